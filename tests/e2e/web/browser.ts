import { pets } from "./pets.ts";

// The page is told its task by its own server, and tells it the result.
const task = await (await fetch("/task")).json();
let result: unknown;
try {
  result = await pets(task.gateway, task.token);
} catch (error) {
  result = { failed: String(error) };
}
await fetch("/result", { method: "POST", body: JSON.stringify(result) });

import { pets } from "./pets.ts";

console.log(JSON.stringify(await pets(process.env.TRUSTMESH_GATEWAY!, process.env.TRUSTMESH_TOKEN!)));

// The same calls from Node and from a browser: list pets with a token, without one, and of another organisation.
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcWebTransport } from "@connectrpc/connect-web";
import { PetService } from "../../../gen/ts/trustmesh/petstore/v1/pet_service_pb.js";

export async function pets(gateway: string, token: string): Promise<Record<string, string>> {
  const client = createClient(PetService, createGrpcWebTransport({ baseUrl: gateway }));
  const headers = { authorization: `Bearer ${token}` };
  const attempt = async (parent: string, options: { headers?: HeadersInit }): Promise<string> => {
    try {
      const answer = await client.listPets({ parent }, options);
      return `pets: ${answer.pets.map((pet) => pet.name).join(" ")}`;
    } catch (error) {
      return `refused: ${Code[ConnectError.from(error).code]}`;
    }
  };
  return {
    own: await attempt("orgs/demo", { headers }),
    other: await attempt("orgs/other", { headers }),
    nobody: await attempt("orgs/demo", {}),
    invalid: await attempt("orgs/!", { headers }),
  };
}

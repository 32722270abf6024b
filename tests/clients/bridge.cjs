// Calls the official JavaScript clients of Azure DevOps: one call per line of standard input, one answer per line of
// standard output, both as JSON. The folder that holds node_modules is the only argument.
//
// A call:    {client: "node" | "extension", url, token, area: "Build", method: "getBuilds", arguments: [...]}
// Arguments: null is undefined; {"$enum": ["BuildResult.Failed", ...]} is the sum of the client's own enumerations;
//            {"$date": "2026-11-28T01:02:03Z"} is a Date.
// An answer: {result} or {error: {message, status}}; {"$date": ...} is a Date, {"$base64": ...} what came as bytes.

"use strict";
const { createRequire } = require("node:module");
const path = require("node:path");
const readline = require("node:readline");

const load = createRequire(path.resolve(process.argv[2], "package.json"));
globalThis.self = globalThis; // The client for extensions looks for the browser under this name.

const libraries = {
  node: (area) => load(`azure-devops-node-api/interfaces/${area}Interfaces`),
  extension: (area) => load(`azure-devops-extension-api/${area}`),
};

const connections = {
  async node({ url, token, area }) {
    const { WebApi, getPersonalAccessTokenHandler } = load("azure-devops-node-api");
    return new WebApi(url, getPersonalAccessTokenHandler(token))[`get${area}Api`]();
  },
  async extension({ url, token, area }) {
    const authorization = `Basic ${Buffer.from(`:${token}`).toString("base64")}`;
    const Client = load(`azure-devops-extension-api/${area}`)[`${area}RestClient`];
    return new Client({ rootPath: `${url}/`, authTokenProvider: { getAuthorizationHeader: async () => authorization } });
  },
};

function enumerated(library, name) {
  const [type, member] = name.split(".");
  const value = library[type]?.[member];
  if (typeof value !== "number") throw new Error(`The client has no ${name}.`);
  return value;
}

function decoded(value, library) {
  if (value === null) return undefined;
  if (Array.isArray(value)) return value.map((item) => decoded(item, library));
  if (typeof value !== "object") return value;
  if ("$enum" in value) return value.$enum.reduce((sum, name) => sum | enumerated(library, name), 0);
  if ("$date" in value) return new Date(value.$date);
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, decoded(inner, library)]));
}

async function encoded(value) {
  if (value instanceof Date) return { $date: value.toISOString() };
  if (value instanceof ArrayBuffer) return { $base64: Buffer.from(value).toString("base64") };
  if (Array.isArray(value)) return Promise.all(value.map(encoded));
  if (value === null || typeof value !== "object") return value;
  if (Symbol.asyncIterator in value) {
    const pieces = [];
    for await (const piece of value) pieces.push(Buffer.from(piece));
    return { $base64: Buffer.concat(pieces).toString("base64") };
  }
  const inner = await Promise.all(Object.entries(value).map(async ([name, item]) => [name, await encoded(item)]));
  return Object.fromEntries(inner);
}

async function answer(line) {
  const call = JSON.parse(line);
  try {
    const library = libraries[call.client](call.area);
    const client = await connections[call.client](call);
    const result = await client[call.method](...call.arguments.map((value) => decoded(value, library)));
    return { result: (await encoded(result)) ?? null };
  } catch (error) {
    return { error: { message: String(error.message), status: error.statusCode ?? error.status ?? null } };
  }
}

(async () => {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    process.stdout.write(`${JSON.stringify(await answer(line))}\n`);
  }
})();

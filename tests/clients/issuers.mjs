// Starts two issuers of access tokens that are not ours, over https on loopback, each with the paths of Microsoft Entra:
// oauth2-mock-server, which checks neither secret nor assertion, and oidc-provider, which checks both. The tokens of the
// first have a claim "form" with what was sent to it.
//
// Arguments: the folder that holds node_modules, and a PEM file with a certificate for 127.0.0.1 and its key.
// Standard input: {tenant, scope, clients: [...]}, the clients as oidc-provider takes them.
// Standard output: one line {mock, strict} with the addresses. Both stop when standard input ends.

import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import { createRequire } from "node:module";
import path from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const [folder, pem] = process.argv.slice(2);
const modules = path.resolve(folder, "node_modules");
const load = (name, entry) => import(pathToFileURL(path.join(modules, name, entry)).href);
const entryOf = (name) => createRequire(import.meta.url)(path.join(modules, name, "package.json")).main;

async function mock({ tenant }) {
  const { OAuth2Server } = await load("oauth2-mock-server", entryOf("oauth2-mock-server"));
  const server = new OAuth2Server(pem, pem, { endpoints: { token: `/${tenant}/oauth2/v2.0/token` } });
  await server.issuer.keys.generate("RS256");
  server.service.on("beforeTokenSigning", (token, request) => {
    token.payload.form = { ...request.body };
  });
  await server.start(0, "127.0.0.1");
  return `https://127.0.0.1:${server.address().port}`;
}

async function strict({ tenant, scope, clients }) {
  const { Provider } = await load("oidc-provider", entryOf("oidc-provider"));
  const both = readFileSync(pem);
  const server = createServer({ cert: both, key: both });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `https://127.0.0.1:${server.address().port}`;
  const provider = new Provider(`${url}/${tenant}/v2.0`, {
    clients,
    scopes: [scope],
    features: { clientCredentials: { enabled: true }, devInteractions: { enabled: false } },
    routes: { token: `/${tenant}/oauth2/v2.0/token` },
    clientAuthMethods: ["client_secret_post", "private_key_jwt"],
    enabledJWA: { clientAuthSigningAlgValues: ["PS256", "RS256"] },
    ttl: { ClientCredentials: 3599 },
  });
  server.on("request", provider.callback());
  return url;
}

const input = createInterface({ input: process.stdin });
const wanted = JSON.parse((await once(input, "line"))[0]);
input.on("close", () => process.exit(0));
console.log(JSON.stringify({ mock: await mock(wanted), strict: await strict(wanted) }));

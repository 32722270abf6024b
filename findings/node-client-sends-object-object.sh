#!/usr/bin/env bash
# azure-devops-node-api 17.0.1 (npm), found on 28 November 2026 with Node.js 20.
#
# Expected: getCommits with an empty object of criteria, all of whose properties are optional, asks for the commits without
# any criteria.
# Seen: it sends the parameter searchCriteria with the text "[object Object]". An object with one property is sent as it
# should be, as searchCriteria.$top=1.
#
# Output seen:
#   {}: /acme/project/_apis/git/repositories/repository/commits?searchCriteria=%5Bobject%20Object%5D
#   {$top: 1}: /acme/project/_apis/git/repositories/repository/commits?searchCriteria.%24top=1
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts azure-devops-node-api@17.0.1

cat >try.js <<'JS'
const http = require("node:http");
const { WebApi, getPersonalAccessTokenHandler } = require("azure-devops-node-api");

const version = { minVersion: "1.0", maxVersion: "7.2", releasedVersion: "7.1", resourceVersion: 1 };
const locations = [
  { ...version, id: "e81700f7-3be2-46de-8624-2eb35882fcaa", area: "Location", resourceName: "ResourceAreas",
    routeTemplate: "_apis/{resource}/{areaId}" },
  { ...version, id: "c2570c3b-5b3f-41b8-98bf-5407bfde8d58", area: "git", resourceName: "commits",
    routeTemplate: "{project}/_apis/{area}/repositories/{repositoryId}/{resource}/{commitId}" },
];
let asked = "";
const server = http.createServer((request, response) => {
  if (request.url.includes("/commits")) asked = request.url;
  const items = request.method === "OPTIONS" ? locations : [];
  const body = request.url.includes("ResourceAreas") ? { count: 0, value: null } : { count: items.length, value: items };
  response.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify(body));
});
server.listen(0, "127.0.0.1", async () => {
  const url = `http://127.0.0.1:${server.address().port}/acme`;
  const client = await new WebApi(url, getPersonalAccessTokenHandler("x")).getGitApi();
  await client.getCommits("repository", {}, "project");
  console.log(`{}: ${asked}`);
  await client.getCommits("repository", { $top: 1 }, "project");
  console.log(`{$top: 1}: ${asked}`);
  server.close();
});
JS
seen=$(node try.js)
echo "$seen"
[ "$seen" = '{}: /acme/project/_apis/git/repositories/repository/commits?searchCriteria=%5Bobject%20Object%5D
{$top: 1}: /acme/project/_apis/git/repositories/repository/commits?searchCriteria.%24top=1' ] \
  || { echo "This is no longer so."; exit 1; }

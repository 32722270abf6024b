#!/usr/bin/env bash
# azure-devops-node-api 17.0.1 (npm), found on 28 November 2026 with Node.js 20.
#
# Expected: getBuilds, getDefinitions and getProjects are declared to return a PagedList, which has a continuationToken.
# When an answer carries the header x-ms-continuationtoken, the list has it, so that the next page can be asked for.
# Seen: the header is dropped. The list is a plain array, and how to go on is lost.
#
# Output seen:
#   the server sent x-ms-continuationtoken: next-page
#   getBuilds: 1 build, continuationToken undefined
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts azure-devops-node-api@17.0.1

cat >try.js <<'JS'
const http = require("node:http");
const { WebApi, getPersonalAccessTokenHandler } = require("azure-devops-node-api");

const location = {
  id: "0cd358e1-9217-4d94-8269-1c1ee6f93dcf", area: "Build", resourceName: "Builds", resourceVersion: 7,
  routeTemplate: "{project}/_apis/build/{resource}/{buildId}", minVersion: "1.0", maxVersion: "7.2", releasedVersion: "7.1",
};
const server = http.createServer((request, response) => {
  const areas = request.url.includes("ResourceAreas");
  const items = request.method === "OPTIONS" ? [{ ...location, area: "Location", id: "e81700f7-3be2-46de-8624-2eb35882fcaa",
    resourceName: "ResourceAreas", routeTemplate: "_apis/{resource}/{areaId}" }, location] : [{ id: 1, buildNumber: "1" }];
  const headers = { "Content-Type": "application/json" };
  if (request.url.includes("/Builds")) headers["x-ms-continuationtoken"] = "next-page";
  response.writeHead(200, headers).end(JSON.stringify(areas ? { count: 0, value: null } : { count: items.length, value: items }));
});
server.listen(0, "127.0.0.1", async () => {
  const url = `http://127.0.0.1:${server.address().port}/acme`;
  const client = await new WebApi(url, getPersonalAccessTokenHandler("x")).getBuildApi();
  const builds = await client.getBuilds("project", undefined, undefined, undefined, undefined, undefined, undefined, undefined,
    undefined, undefined, undefined, undefined, 1);
  console.log("the server sent x-ms-continuationtoken: next-page");
  console.log(`getBuilds: ${builds.length} build, continuationToken ${builds.continuationToken}`);
  server.close();
});
JS
grep -q 'getBuilds(.*Promise<VSSInterfaces.PagedList<' node_modules/azure-devops-node-api/BuildApi.d.ts
grep -q 'continuationToken?: string' node_modules/azure-devops-node-api/interfaces/common/VSSInterfaces.d.ts
seen=$(node try.js)
echo "$seen"
[ "$seen" = "the server sent x-ms-continuationtoken: next-page
getBuilds: 1 build, continuationToken undefined" ] || { echo "This is no longer so."; exit 1; }

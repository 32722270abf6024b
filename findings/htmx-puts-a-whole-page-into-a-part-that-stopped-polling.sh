#!/usr/bin/env bash
# htmx.org 2.0.10 with its extension idiomorph 0.8.0 (npm), in jsdom 26.1.0, found on 30 November 2026 with Node.js 20.
#
# Expected: a part that polls takes the same part of each page that the server answers with, as hx-select says. The last
# answer has that part without hx-get, hx-trigger and hx-select, so that polling stops.
# Seen: while an answer takes longer than the time between two polls, htmx lets the next request wait. After the last answer
# was morphed in, the waiting request is sent all the same, for it knows its address; but hx-select is read again from the
# element, which has it no more. So the whole page is put where the part was: with a second header inside. With
# hx-swap="outerHTML" alone the element is another one, and the waiting request is dropped.
#
# Output seen:
#   morph:outerHTML: 2 requests, 2 headers
#   outerHTML: 1 request, 1 header
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts htmx.org@2.0.10 idiomorph@0.8.0 jsdom@26.1.0

cat >try.js <<'JS'
const { readFileSync } = require("node:fs");
const http = require("node:http");
const { JSDOM } = require("jsdom");

const scripts = ["htmx.org/dist/htmx.js", "idiomorph/dist/idiomorph-ext.js"]
  .map((name) => `<script>${readFileSync(`node_modules/${name}`, "utf8")}</script>`).join("");
const page = (part) => `<!doctype html><body hx-ext="morph"><header>The product</header><main>${part}</main></body>`;
const wait = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

// What browsers have and jsdom lacks: CSS.escape(), which changes none of these ids, and evaluate() with one argument.
function likeABrowser(window) {
  window.CSS = { escape: (text) => text };
  const { evaluate } = window.XPathExpression.prototype;
  window.XPathExpression.prototype.evaluate = function (node, type = 4, result = null) {
    return evaluate.call(this, node, type, result);
  };
}

async function headersAfterPolling(swap) {
  let requests = 0;
  const server = http.createServer(async (_request, response) => {
    requests += 1;
    await wait(400);
    response.end(page('<div id="run">Finished</div>'));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${server.address().port}/`;
  const running = `<div id="run" hx-get="/" hx-trigger="poll" hx-select="#run" hx-swap="${swap}">Running</div>`;
  const { window } = new JSDOM(page(running) + scripts, {
    url, runScripts: "dangerously", pretendToBeVisual: true, beforeParse: likeABrowser,
  });
  await wait(100);
  const part = window.document.getElementById("run");
  window.htmx.trigger(part, "poll");
  await wait(100);
  // The answer is not there yet.
  window.htmx.trigger(part, "poll");
  await wait(1500);
  const headers = window.document.querySelectorAll("header").length;
  window.close();
  server.close();
  return `${swap}: ${requests} request${requests > 1 ? "s" : ""}, ${headers} header${headers > 1 ? "s" : ""}`;
}

(async () => {
  for (const swap of ["morph:outerHTML", "outerHTML"]) console.log(await headersAfterPolling(swap));
})();
JS
seen=$(node try.js)
echo "$seen"
[ "$seen" = 'morph:outerHTML: 2 requests, 2 headers
outerHTML: 1 request, 1 header' ] || { echo "This is no longer so."; exit 1; }

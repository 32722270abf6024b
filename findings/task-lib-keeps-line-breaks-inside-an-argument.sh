#!/usr/bin/env bash
# azure-pipelines-task-lib 5.281.0 with yaml 2.8.1 (npm), found on 30 November 2026 with Node.js 20.
#
# Expected: line() of the library that tasks of Azure Pipelines are written with splits the text of an input into arguments
# at white space outside of quotes, as a shell does, so that a pipeline may write one argument per line.
# Seen: only a space splits. A line break and a tab become part of the argument: of three lines in the literal style of YAML
# (|) the tool gets one argument. The folded style (>) makes spaces of line breaks, and works.
#
# Output seen:
#   arguments: |  1 argument: ["--verbose\n--level\n3"]
#   arguments: >  3 arguments: ["--verbose","--level","3"]
#   a tab: 1 argument: ["--level\t3"]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts azure-pipelines-task-lib@5.281.0 yaml@2.8.1

cat >try.js <<'JS'
const { ToolRunner } = require("azure-pipelines-task-lib/toolrunner");
const { parse } = require("yaml");

function show(name, text) {
  const { args } = new ToolRunner(process.execPath).line(text);
  console.log(`${name} ${args.length} argument${args.length === 1 ? "" : "s"}: ${JSON.stringify(args)}`);
}
for (const style of ["|", ">"]) {
  const step = parse(`inputs:\n  arguments: ${style}\n    --verbose\n    --level\n    3\n`);
  show(`arguments: ${style} `, step.inputs.arguments);
}
show("a tab:", "--level\t3");
JS
seen=$(node try.js | grep -v '^##vso\[task.debug\]')
echo "$seen"
[ "$seen" = 'arguments: |  1 argument: ["--verbose\n--level\n3"]
arguments: >  3 arguments: ["--verbose","--level","3"]
a tab: 1 argument: ["--level\t3"]' ] || { echo "This is no longer so."; exit 1; }

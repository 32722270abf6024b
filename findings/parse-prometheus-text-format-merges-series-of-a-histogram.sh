#!/usr/bin/env bash
# parse-prometheus-text-format 1.1.1 with prom-client 15.1.3 (npm), found on 30 November 2026 with Node.js 20.
#
# Expected: a histogram or a summary with a label has one metric for each value of the label, with its labels, sum and count,
# as a gauge has.
# Seen: all series of it become one metric without labels, which has the buckets or quantiles of the last series, and
# neither sum nor count. Without labels, the one series has its sum and count.
#
# Output seen:
#   histogram: [{"buckets":{"1":"1","+Inf":"1"},"count":"1","sum":"0.5"}]
#   histogram with two series: [{"buckets":{"1":"0","+Inf":"1"}}]
#   summary with two series: [{"quantiles":{"0.5":"2"}}]
#   gauge with two series: [{"value":"0.5","labels":{"kind":"first"}},{"value":"2","labels":{"kind":"second"}}]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts parse-prometheus-text-format@1.1.1 prom-client@15.1.3

cat >try.mjs <<'JS'
import parse from "parse-prometheus-text-format";
import { Gauge, Histogram, Registry, Summary } from "prom-client";

async function show(name, Kind, record, values) {
  const register = new Registry();
  const labelNames = values.length > 1 ? ["kind"] : [];
  const metric = new Kind({
    name: "seconds", help: "Seconds", labelNames, registers: [register], ...{ buckets: [1], percentiles: [0.5] },
  });
  for (const [kind, value] of values) {
    metric.labels(...(labelNames.length ? [kind] : []))[record](value);
  }
  console.log(`${name}: ${JSON.stringify(parse(await register.metrics())[0].metrics)}`);
}
const one = [["first", 0.5]];
const two = [...one, ["second", 2]];
await show("histogram", Histogram, "observe", one);
await show("histogram with two series", Histogram, "observe", two);
await show("summary with two series", Summary, "observe", two);
await show("gauge with two series", Gauge, "set", two);
JS
seen=$(node try.mjs)
echo "$seen"
[ "$seen" = 'histogram: [{"buckets":{"1":"1","+Inf":"1"},"count":"1","sum":"0.5"}]
histogram with two series: [{"buckets":{"1":"0","+Inf":"1"}}]
summary with two series: [{"quantiles":{"0.5":"2"}}]
gauge with two series: [{"value":"0.5","labels":{"kind":"first"}},{"value":"2","labels":{"kind":"second"}}]' ] \
  || { echo "This is no longer so."; exit 1; }

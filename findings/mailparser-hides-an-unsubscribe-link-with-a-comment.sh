#!/usr/bin/env bash
# mailparser 3.14.2 and nodemailer 10.6.1 (npm), found on 30 November 2026 with Node.js 20.
#
# Expected: a comment behind an address of List-Unsubscribe, as RFC 2369 shows in its examples and nodemailer writes on
# request, changes nothing about the address: mailparser tells it as url, or as mail.
# Seen: a web address with a comment becomes an "id", and there is no url. If a mail address with a comment follows,
# that comment is appended to the url of the address before, which leads elsewhere then.
#
# Output seen:
#   <https://example.com/leave>, <mailto:leave@example.com>
#     {"url":"https://example.com/leave","mail":"leave@example.com"}
#   <https://example.com/leave> (On the web), <mailto:leave@example.com>
#     {"name":"On the web","id":"https://example.com/leave","mail":"leave@example.com"}
#   <https://example.com/leave>, <mailto:leave@example.com> (By mail)
#     {"url":"https://example.com/leave, By mail","mail":"leave@example.com"}
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts mailparser@3.14.2 nodemailer@10.6.1

cat >try.js <<'JS'
const { simpleParser } = require("mailparser");
const { createTransport } = require("nodemailer");

const web = "https://example.com/leave";
const mail = "mailto:leave@example.com";
const transport = createTransport({ streamTransport: true, buffer: true });

async function show(addresses) {
  const { message } = await transport.sendMail({
    from: "repositories@example.com",
    to: "someone@example.com",
    subject: "News",
    text: "News",
    list: { unsubscribe: [addresses] },
  });
  const [, written] = message.toString().replace(/\r\n\s+/g, " ").match(/^List-Unsubscribe: (.*)$/m);
  console.log(`${written.trim()}\n  ${JSON.stringify((await simpleParser(message)).headers.get("list").unsubscribe)}`);
}
(async () => {
  await show([web, mail]);
  await show([{ url: web, comment: "On the web" }, mail]);
  await show([web, { url: mail, comment: "By mail" }]);
})();
JS
seen=$(node try.js)
echo "$seen"
[ "$seen" = '<https://example.com/leave>, <mailto:leave@example.com>
  {"url":"https://example.com/leave","mail":"leave@example.com"}
<https://example.com/leave> (On the web), <mailto:leave@example.com>
  {"name":"On the web","id":"https://example.com/leave","mail":"leave@example.com"}
<https://example.com/leave>, <mailto:leave@example.com> (By mail)
  {"url":"https://example.com/leave, By mail","mail":"leave@example.com"}' ] \
  || { echo "This is no longer so."; exit 1; }

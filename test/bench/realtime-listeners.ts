/**
 * The listeners of the realtime bench, in a process of their own: `URL COUNT TOPIC…` on the
 * command line, one connection for each of COUNT, topics in turn. Tells its parent when all listen,
 * and then how much has come; the first listener also how long each event took.
 */

import { connect } from "node:net";

const [url = "", count = "0", ...topics] = process.argv.slice(2);
const { hostname, port, host } = new URL(url);
const REPORT_MS = 20;

let delivered = 0;
const delays: number[] = [];

function open(index: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let text = "";
  let known = false;
  const socket = connect({ host: hostname, port: Number(port) }, () => {
    socket.write(
      `GET /api/realtime HTTP/1.1\r\nHost: ${host}\r\nAccept: text/event-stream\r\n\r\n`,
    );
  });
  socket.setEncoding("latin1");
  socket.on("data", (chunk: string) => {
    text += chunk;
    if (!known) {
      const id = /"clientId":"(\w+)"/.exec(text)?.[1];
      if (id === undefined) return;
      known = true;
      text = "";
      subscribe(id, topics[index % topics.length] ?? "").then(resolve, reject);
      return;
    }
    text = take(text, index);
  });
  socket.on("error", reject);
  socket.on("close", () => process.send?.({ closed: index }));
  return promise;
}

/** Counts whole events; what is left begins another one. */
function take(text: string, index: number): string {
  let from = 0;
  for (;;) {
    const start = text.indexOf("data:{", from);
    const end = start < 0 ? -1 : text.indexOf("\n\n", start);
    if (end < 0) return text.slice(from);
    delivered += 1;
    if (index === 0) {
      const at = /"title":"(\d+)/.exec(text.slice(start, end))?.[1];
      delays.push(Date.now() - Number(at));
    }
    from = end + 2;
  }
}

async function subscribe(clientId: string, topic: string): Promise<void> {
  const answer = await fetch(`${url}/api/realtime`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ clientId, subscriptions: [topic] }),
  });
  if (answer.status !== 204) throw new Error(`subscribing: ${answer.status}`);
}

for (let index = 0; index < Number(count); index++) await open(index);
process.send?.({ ready: true });
setInterval(() => process.send?.({ delivered, delays: delays.splice(0) }), REPORT_MS);

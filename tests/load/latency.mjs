// Latency and server CPU of a running cluster, by npm's client: node tests/load/latency.mjs --cluster DIR/cluster.json
// [--admins 50] [--messages 500] [--rate 50]. One user writes at a steady rate; every admin gets each message.
// CPU is that of all server processes (/proc), so that the client's own cost does not count. For orientation, not for records:
// the Node client is slower than the servers.
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { Client } from "../integration/lib/client.mjs";
import { makeToken } from "../integration/lib/token.mjs";

const { values } = parseArgs({ options: {
    cluster: { type: "string" }, admins: { type: "string", default: "50" },
    messages: { type: "string", default: "500" }, rate: { type: "string", default: "50" },
} });
if (!values.cluster) {
    console.error("latency: --cluster DIR/cluster.json is needed: deploy/local-cluster writes it");
    process.exit(64);
}
const { nodes, jwt_secret_file: secretFile } = JSON.parse(readFileSync(values.cluster));
const secret = readFileSync(secretFile, "utf8").trim();
const gateways = nodes.filter(({ role }) => role === "gateway");
const [admins, messages, rate] = [values.admins, values.messages, values.rate].map(Number);

const connect = (user, rol, i) =>
    new Client(gateways[i % gateways.length].url, `token=${makeToken({ user, rol }, secret)}`).connect();

/** CPU seconds used so far by all nodes; the kernel counts 100 ticks a second. */
function cpu() {
    const ticks = nodes.map(({ pid }) => readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" "));
    return ticks.reduce((sum, fields) => sum + Number(fields[11]) + Number(fields[12]), 0) / 100;
}

const quantile = (list, q) => list.sort((a, b) => a - b)[Math.min(list.length - 1, Math.floor(list.length * q))];
const line = (what, list) =>
    console.log(`${what.padEnd(22)} p50 ${quantile(list, 0.5).toFixed(2)}  p99 ${quantile(list, 0.99).toFixed(2)}  max ${quantile(list, 1).toFixed(2)} ms`);

const receivers = await Promise.all(Array.from({ length: admins }, (_, i) => connect(`admin${i}`, "admin", i)));
const sender = await connect("user", "user", gateways.length - 1);
const sentAt = [], deliveries = [], acks = [];
for (const { socket } of receivers) {
    socket.on("mensaje_recibido", ({ mensaje }) => deliveries.push(performance.now() - sentAt[mensaje]));
}
const [cpu0, start] = [cpu(), performance.now()];
const pending = [];
for (let n = 0; n < messages; n++) {
    await sleep(Math.max(0, start + n * 1000 / rate - performance.now()));
    sentAt[n] = performance.now();
    pending.push(sender.ask({ para: "nobody", mensaje: n }).then((ack) => {
        acks.push(ack.ok ? performance.now() - sentAt[n] : Infinity);
    }));
}
await Promise.all(pending);
while (deliveries.length < messages * admins) {
    await sleep(10);
}
const used = cpu() - cpu0;
const idle0 = cpu();
await sleep(2000);
const idle = (cpu() - idle0) / 2000 * (performance.now() - start - 2000);
line("delivery to an admin", deliveries);
line("ack (stored)", acks);
console.log(`server CPU             ${(used * 1e6 / deliveries.length).toFixed(1)} us a delivery, of which heartbeats ${(idle * 1e6 / deliveries.length).toFixed(1)} us`);
process.exit(0);

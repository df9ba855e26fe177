// Memory of idle connections: opens many WebSockets with a CONNECT each on one gateway, waits until it is quiet, and divides what
// the processes grew by. Some are opened before, since they bring buffers and the cache of tokens to their size, which is not the
// price of a connection. usage: node tests/load/idle.mjs --cluster DIR/cluster.json [--gateway gateway-1] [--sockets 10000]
//                              [--admins 0]
// Every socket is a user of its own, with a room of its own; the first --admins of them are in `admins` as well.
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import WebSocket from "ws";
import { makeToken } from "../integration/lib/token.mjs";

const { values: options } = parseArgs({ options: {
    cluster: { type: "string" }, gateway: { type: "string", default: "gateway-1" }, sockets: { type: "string", default: "10000" },
    admins: { type: "string", default: "0" },
} });
const cluster = JSON.parse(readFileSync(options.cluster, "utf8"));
const secret = readFileSync(cluster.jwt_secret_file, "utf8").trim();
const node = cluster.nodes.find(({ name }) => name === options.gateway);
const count = Number(options.sockets), admins = Number(options.admins);

function memory(pid) {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    const kib = (name) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(status)[1]);
    return { rss: kib("VmRSS") * 1024, anonymous: kib("RssAnon") * 1024 };
}

/** Resolves when the CONNECT is answered. */
function open(i) {
    const token = makeToken({ user: `u${i}`, name: `User ${i}`, rol: i < admins ? "admin" : "user" }, secret);
    return new Promise((resolve, reject) => {
        const socket = new WebSocket(`${node.url.replace("http", "ws")}/socket.io/?EIO=4&transport=websocket`, {
            headers: { cookie: `token=${token}` }, perMessageDeflate: false, localAddress: `127.0.0.${2 + (i % 4)}`,
        });
        socket.on("error", reject);
        socket.on("close", (code) => reject(new Error(`socket ${i} closed with ${code}`)));
        socket.on("message", (data) => {
            const text = data.toString();
            if (text[0] === "0") {
                socket.send("40");
            } else if (text[0] === "2") {
                socket.send("3");
            } else if (text.startsWith("40")) {
                resolve(socket);
            }
        });
    });
}

const sockets = [];
async function openMany(from, to) {
    for (let i = from; i < to; i += 100) {
        sockets.push(...await Promise.all(Array.from({ length: Math.min(100, to - i) }, (_, n) => open(i + n))));
    }
}

const warm = 5000; // more than the cache of tokens holds
await openMany(0, warm);
await new Promise((resolve) => setTimeout(resolve, 2000));
const before = Object.fromEntries(cluster.nodes.map(({ name, pid }) => [name, memory(pid)]));
await openMany(warm, warm + count);
await new Promise((resolve) => setTimeout(resolve, 5000)); // every queue is empty again
for (const { name, pid } of cluster.nodes) {
    const after = memory(pid);
    const each = (key) => Math.round((after[key] - before[name][key]) / count);
    console.log(`${name.padEnd(12)} ${each("rss")} bytes of RSS a connection, ${each("anonymous")} of them anonymous`);
}
process.exit(0);

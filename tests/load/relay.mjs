// What a relay costs: CPU of all server processes a delivery, to WebSockets whose session is at the gateway that they are connected
// to, and to as many that are relayed to another one, in turns. usage: node tests/load/relay.mjs --cluster DIR/cluster.json
//                                                        [--sockets 50] [--messages 500] [--rate 100] [--rounds 3]
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { Client } from "../integration/lib/client.mjs";
import { pollingSession, upgrade } from "../integration/lib/engine.mjs";
import { makeToken } from "../integration/lib/token.mjs";
import { waitFor } from "../integration/lib/wait.mjs";

const { values } = parseArgs({ options: {
    cluster: { type: "string" }, sockets: { type: "string", default: "50" }, messages: { type: "string", default: "500" },
    rate: { type: "string", default: "100" }, rounds: { type: "string", default: "3" },
} });
const { nodes, jwt_secret_file: secretFile } = JSON.parse(readFileSync(values.cluster));
const secret = readFileSync(secretFile, "utf8").trim();
const gateways = nodes.filter(({ role }) => role === "gateway").map(({ url }) => url);
const [count, messages, rate, rounds] = [values.sockets, values.messages, values.rate, values.rounds].map(Number);
const cookie = (user, rol) => `token=${makeToken({ user, rol }, secret)}`;

/** CPU seconds used so far by all nodes; the kernel counts 100 ticks a second. */
function cpu() {
    const fields = nodes.map(({ pid }) => readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" "));
    return fields.reduce((sum, field) => sum + Number(field[11]) + Number(field[12]), 0) / 100;
}

/** Microseconds of CPU a delivery to `count` admins whose WebSockets are at the second gateway, their sessions at `home`. */
async function measure(home, round) {
    let received = 0;
    const sockets = await Promise.all(Array.from({ length: count }, async (_, i) => {
        const sid = await pollingSession([home], cookie(`admin${i}`, "admin"));
        const { socket } = await upgrade(gateways[1], sid);
        socket.on("message", (data) => {
            const text = data.toString();
            received += text.startsWith("42");
            text === "2" && socket.send("3");
        });
        return socket;
    }));
    const sender = await new Client(gateways[1], cookie(`user${round}`, "user")).connect();
    const begin = Date.now(), before = cpu();
    for (let i = 0; i < messages; i++) {
        sender.send("nobody", "x".repeat(64));
        await sleep(Math.max(0, begin + (i + 1) * 1000 / rate - Date.now()));
    }
    await waitFor("every delivery", () => received === messages * count, 30);
    const used = cpu() - before;
    sockets.forEach((socket) => socket.terminate());
    sender.close();
    return used / (messages * count) * 1e6;
}

for (let round = 0; round < rounds; round++) {
    const direct = await measure(gateways[1], round), relayed = await measure(gateways[0], round);
    console.log(`direct ${direct.toFixed(1)} us, relayed ${relayed.toFixed(1)} us of CPU a delivery: ${(relayed / direct).toFixed(2)} times`);
}
process.exit(0);

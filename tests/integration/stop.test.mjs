// Nodes that are told to stop, by SIGTERM or by roomcastctl drain: what their clients sent before is delivered, in order, whoever
// else hangs on a connection; clients go on elsewhere by themselves.
import assert from "node:assert/strict";
import http from "node:http";
import net from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { BIN, clusterTest, run } from "./lib/cluster.mjs";
import { httpGet } from "./lib/client.mjs";
import { startProxy } from "./lib/proxy.mjs";
import { waitFor } from "./lib/wait.mjs";

/** Connections that never answer a FIN, as those of a phone out of reach. */
function halfOpen(url, count) {
    const { hostname: host, port } = new URL(url);
    return Array.from({ length: count }, () => {
        const socket = net.connect({ host, port, allowHalfOpen: true });
        socket.on("error", () => {}).on("data", () => {}).write("GET / HT");
        return socket;
    });
}

clusterTest("stop", { gateways: 2, settings: ["gateway.workers=2"] }, async (cluster, step) => {
    await step("SIGTERM of a gateway with clients that do not let go", async () => {
        const luis = await cluster.connect({ user: "luis", gateway: 2 });
        const senders = await Promise.all([1, 2, 3, 4].map((i) => cluster.connect({ user: `s${i}`, gateway: 1 })));
        const stuck = halfOpen(cluster.url(1), 8);
        const sent = [];
        let acked = 0;
        for (let n = 0; n < 200; n++) {
            senders.forEach((sender) => sent.push(sender.ask({ para: "luis", mensaje: n }, 20).then(() => { acked++; }, () => {})));
        }
        await waitFor("the first acks", () => acked >= 4);
        await cluster.kill("gateway-1", "TERM");
        stuck.forEach((socket) => socket.destroy());
        assert.doesNotMatch(cluster.log("gateway-1"), / fenced /, "its link loop went on");
        assert.ok(luis.received.length >= acked);
        for (const { de } of new Map(luis.received.map((message) => [message.de, message])).values()) {
            const numbers = luis.received.filter((message) => message.de === de).map(({ mensaje }) => mensaje);
            assert.deepEqual(numbers, numbers.map((_, i) => i), `${de}: in order, none left out`);
        }
    });

    await step("the brokers have heard its good-bye, and the others go on", async () => {
        for (const broker of ["broker-1", "broker-2", "broker-3"]) {
            await waitFor("it is gone", async () => (await cluster.status(broker)).metrics.live_gateways === 1, 2);
        }
        const ana = await cluster.connect({ user: "ana", gateway: 2 });
        await ana.sendStored("luis", "sigo");
    });
});

const CLIENTS = 60, PACE = 20; // about half of them at gateway-1: 2 s

/** A user that writes a number to luis whenever it is connected, and goes on elsewhere when its transport ends. */
class Talker {
    constructor(cluster, user, gateway, transports) {
        const options = { transports, reconnection: true, reconnectionDelay: 50, reconnectionDelayMax: 300 };
        Object.assign(this, { user, ends: [], sent: 0, acked: [], refused: [] });
        this.client = cluster.client({ user, gateway, options });
        this.client.socket.on("disconnect", (reason) => this.ends.push(reason));
    }

    async talk(stopped) {
        for (; !stopped(); await sleep(200)) {
            if (this.client.socket.connected) {
                const number = this.sent++;
                this.client.socket.emit("mensaje_privado", { para: "luis", mensaje: number },
                    (ack) => (ack.ok ? this.acked : this.refused).push(number));
            }
        }
    }
}

/** Clients that talk through a balancer while work() runs, and a while before and after. */
async function underLoad(cluster, prefix, ways, work) {
    const proxy = await startProxy([cluster.url(1), cluster.url(2)]);
    const talkers = Array.from({ length: CLIENTS },
        (_, i) => new Talker(cluster, `${prefix}${i}`, proxy.url, ways[i % ways.length]));
    let over = false;
    await Promise.all(talkers.map(({ client }) => client.connect(30)));
    const talking = Promise.all(talkers.map((talker) => talker.talk(() => over)));
    await waitFor("each has an ack", () => talkers.every(({ acked }) => acked.length > 0));
    const result = await work(talkers);
    const before = talkers.map(({ acked }) => acked.length);
    await waitFor("each is connected and has acks from afterwards",
        () => talkers.every(({ client, acked }, i) => client.socket.connected && acked.length > before[i] + 1), 30);
    over = true;
    await talking;
    await waitFor("the acks of those who stayed",
        () => talkers.every(({ ends, acked, sent }) => ends.length > 0 || acked.length === sent));
    proxy.stop();
    return { talkers, result };
}

const numbersOf = (messages, user) => messages.filter(({ de }) => de === user).map(({ mensaje }) => mensaje);

/** What each admin got, and what is stored, of these talkers. */
async function checkMessages(cluster, talkers, admins) {
    for (const { user, ends, sent, acked, refused } of talkers) {
        assert.deepEqual(refused, []);
        const { json } = await cluster.get(`/api/mensajes?con=${user}`, { user: "root", rol: "admin" }, 2);
        const stored = json.map(({ mensaje }) => Number(mensaje));
        assert.equal(new Set(stored).size, stored.length, `${user}: nothing is stored twice`);
        assert.deepEqual(acked.filter((number) => !stored.includes(number)), [], `${user}: what was acknowledged is stored`);
        for (const admin of admins) {
            await waitFor("what is stored has arrived", () => numbersOf(admin.received, user).length >= stored.length);
            const numbers = numbersOf(admin.received, user);
            if (ends.length === 0) {
                assert.deepEqual(numbers, Array.from({ length: sent }, (_, i) => i), `${user}: each once, in order`);
            }
            assert.deepEqual(numbers, [...new Set(numbers)].sort((a, b) => a - b), `${user}: none twice, in order`);
        }
    }
}

clusterTest("drain", { gateways: 2, settings: ["gateway.workers=2", `gateway.drain.pace=${PACE}`] }, async (cluster, step) => {
    const admins = await Promise.all([1, 2].map((i) => cluster.connect({ user: `a${i}`, rol: "admin", gateway: 2 })));
    const adminEnds = () => admins.map(({ disconnected }) => disconnected);

    // Relayed clients whose way is over this broker are closed with it.
    await step("a broker under load: nobody is disconnected, nothing is lost", async () => {
        const { talkers, result } = await underLoad(cluster, "b", [["websocket"]], () => cluster.ctl("drain", "broker-1", "--wait"));
        assert.equal(result.code, 0, result.stderr);
        assert.match(result.stdout, /^broker-1 is draining: \d+ messages left\nbroker-1 is gone\n$/);
        assert.match(cluster.log("broker-1"), /stopped role=broker code=0/);
        assert.deepEqual(talkers.flatMap(({ ends }) => ends), []);
        await checkMessages(cluster, talkers, admins);
        talkers.forEach(({ client }) => client.close());
        await cluster.startNodes("broker-1");
    });

    await step("a gateway under load: its clients go on at another one", async () => {
        const admin = cluster.node("gateway-1").admin;
        const { talkers, result } = await underLoad(cluster, "g", [["websocket"], ["polling"], ["polling", "websocket"]], async () => {
            const { connections } = await cluster.status("gateway-1");
            const begun = Date.now();
            const drain = cluster.ctl("drain", "gateway-1", "--wait").then((end) => ({ ...end, ms: Date.now() - begun, connections }));
            await waitFor("it drains", async () => (await cluster.status("gateway-1")).state === "draining");
            assert.equal((await httpGet(`http://${admin}/readyz`)).status, 503);
            await assert.rejects(httpGet(`${cluster.url(1)}/socket.io/?EIO=4&transport=polling`), /ECONNREFUSED/);
            const again = await cluster.ctl("drain", "gateway-1");
            assert.equal(again.code, 0, again.stderr);
            assert.match(again.stdout, /^gateway-1 is draining already: \d+ connections left\n$/);
            return drain;
        });
        assert.equal(result.code, 0, result.stderr);
        assert.match(result.stdout, /^gateway-1 is draining: \d+ connections left\ngateway-1 is gone\n$/);
        assert.ok(result.ms > 600 * result.connections / PACE, `${result.connections} connections in ${result.ms} ms`);
        await waitFor("it has ended", () => /stopped role=gateway code=0/.test(cluster.log("gateway-1")));
        const moved = talkers.filter(({ ends }) => ends.length > 0);
        assert.ok(moved.length > 0 && moved.length < CLIENTS, `${moved.length} had to go`);
        assert.deepEqual(talkers.flatMap(({ ends }) => ends).filter((reason) => reason === "io server disconnect"), []);
        assert.deepEqual(adminEnds(), [null, null]);
        await checkMessages(cluster, talkers, admins);
        talkers.forEach(({ client }) => client.close());
    });

    await step("what cannot be drained is told", async () => {
        const cases = [
            [["drain"], 64, /which node/],
            [["drain", "gateway-2", "broker-1"], 64, /unexpected argument broker-1/],
            [["status", "--wait"], 64, /--wait is for drain/],
            [["drain", "gateway-2", "--stay"], 64, /gateway-2 is a gateway, and --stay is for brokers/],
            [["drain", "persister-1"], 64, /persister-1 is a persister.*SIGTERM/],
            [["drain", "gateway-1"], 69, /gateway-1 is down: connection refused/],
            [["drain", "nobody"], 69, /no node nobody is known.*\n(.*\n)*.*gateway-1, which is down/],
        ];
        for (const [args, wanted, words] of cases) {
            const { code, stderr } = await cluster.ctl(...args);
            assert.equal(code, wanted, `${args}: ${stderr}`);
            assert.match(stderr, words);
        }
        await cluster.startNodes("gateway-1");
        assert.equal((await cluster.ctl("drain", "nobody")).code, 64);
        const persister = await httpGet(`http://${cluster.node("persister-1").admin}/drain`, null, { method: "POST" });
        assert.equal(persister.status, 501);
    });

    await step("any node leads to the one that is named, and a signal in the middle ends the drain", async () => {
        const luis = await cluster.connect({ user: "luis", gateway: 2 });
        const one = await Promise.all(Array.from({ length: 30 }, (_, i) => cluster.connect({ user: `one${i}`, gateway: 1 })));
        const { code, stderr } = await run(`${BIN}/roomcastctl`, ["--node", cluster.node("broker-2").admin, "drain", "gateway-1"]);
        assert.equal(code, 0, stderr);
        const last = one.find(({ socket }) => socket.connected);
        await last.sendStored("luis", "hola");
        await luis.receive(1);
        await cluster.kill("gateway-1", "TERM");
        await waitFor("all are gone", () => one.every(({ disconnected }) => disconnected === "transport close"));
    });

    await step("a token that is refused is told", async () => {
        const status = { name: "gateway-9", role: "gateway", state: "serving", map: [] };
        const server = http.createServer((request, answer) => {
            answer.statusCode = request.method === "POST" ? 401 : 200;
            answer.end(JSON.stringify(status));
        });
        await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
        const { code, stderr } = await run(`${BIN}/roomcastctl`,
            ["--node", `127.0.0.1:${server.address().port}`, "drain", "gateway-9"]);
        server.close();
        assert.equal(code, 69);
        assert.match(stderr, /gateway-9 does not drain: refused the operator token/);
    });
});

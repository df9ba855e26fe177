// Many clients that connect at once: those beyond the bound are refused early, come back by themselves and are all connected in the
// end, and nobody who is connected notices.
import assert from "node:assert/strict";
import { once } from "node:events";
import net from "node:net";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { BIN, clusterTest, run } from "./lib/cluster.mjs";
import { ask } from "./lib/engine.mjs";
import { SCALE, waitFor, within } from "./lib/wait.mjs";

const BOUND = 8, CLIENTS = 120;

/** A raw connection: what came is in `text`. */
class Raw {
    constructor(url) {
        const { hostname, port } = new URL(url);
        this.text = "";
        this.socket = net.connect({ host: hostname, port: Number(port), allowHalfOpen: true });
        this.socket.on("data", (bytes) => { this.text += bytes.toString("latin1"); }).on("error", () => {});
        this.ended = new Promise((resolve) => this.socket.on("close", resolve).on("end", resolve));
    }

    ask(query, cookie, fields = []) {
        this.socket.write([`GET /socket.io/?EIO=4&${query} HTTP/1.1`, "Host: x", `Cookie: token=${cookie}`, ...fields, "", ""].join("\r\n"));
    }

    askWebSocket(cookie) {
        this.ask("transport=websocket", cookie, ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="]);
    }

    /** A CONNECT on the WebSocket: "40", masked with zeros. */
    enter() {
        this.socket.write(Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0x34, 0x30]));
    }

    hears(what) {
        return waitFor(`"${what}"`, () => this.text.includes(what));
    }
}

clusterTest("a storm at one gateway", { gateways: 1, settings: ["gateway.workers=1", `gateway.queue.handshakes=${BOUND}`] }, async (cluster, step) => {
    const url = cluster.url(1);
    const metric = (name) => cluster.metric("gateway-1", name);
    const token = (user) => cluster.token({ user, name: user, rol: "user" });
    const calm = () => waitFor("no handshake is under way", async () => await metric("handshakes") === 0);
    const ana = await cluster.connect({ user: "ana" });
    const luis = await cluster.connect({ user: "luis", options: { transports: ["polling"] } });

    /** Sessions that do not enter a namespace: until they leave, or for five seconds. */
    const fill = async (count) => {
        const opened = Array.from({ length: count }, () => new Raw(url));
        opened.forEach((raw) => raw.askWebSocket(token("nadie")));
        await Promise.all(opened.map((raw) => raw.hears("maxPayload")));
        return opened;
    };

    await step("at the bound a handshake is refused with 503 and Retry-After, and the connection closed", async () => {
        const full = await fill(BOUND);
        assert.equal(await metric("handshakes"), BOUND);
        for (const knock of [(raw) => raw.ask("transport=polling", "no token"), (raw) => raw.askWebSocket("no token")]) {
            const raw = new Raw(url);
            knock(raw);
            await within("the end", raw.ended);
            raw.socket.destroy();
            assert.match(raw.text, /^HTTP\/1.1 503 Service Unavailable\r\n/);
            assert.match(raw.text, /\r\nRetry-After: [1-5]\r\n/);
            assert.match(raw.text, /\r\nConnection: close\r\n/);
            assert.match(raw.text, /\r\n\r\nToo many clients are connecting; connect again$/);
        }
        assert.equal(await metric("handshakes_refused_total"), 2);
        await ana.sendStored("luis", "hola");
        await luis.receive(1);
        full.forEach(({ socket }) => socket.destroy());
        await calm();
        (await fill(BOUND)).forEach(({ socket }) => socket.destroy()); // there is room again
        await calm();
    });

    await step("npm's clients come back by themselves, and all are connected in the end", async () => {
        const before = await metric("handshakes_refused_total");
        const full = await fill(BOUND - 1); // one place for all
        const ways = [["websocket"], ["polling"], ["polling", "websocket"]];
        const many = Array.from({ length: CLIENTS }, (_, i) => cluster.client({ user: `u${i}`, options: {
            transports: ways[i % ways.length], reconnection: true, reconnectionDelay: 50, reconnectionDelayMax: 400,
        } }));
        many.forEach(({ socket }) => socket.connect());
        await waitFor("some were refused", async () => await metric("handshakes_refused_total") > before);
        full.forEach(({ socket }) => socket.destroy());
        await waitFor("all are connected", () => many.every(({ socket }) => socket.connected), 30);
        await calm();
        await Promise.all(many.map((client, i) => client.sendStored("luis", i)));
        await luis.receive(1 + CLIENTS);
        assert.deepEqual([ana, luis, ...many].map(({ disconnected }) => disconnected).filter((why) => why !== null), []);
        await waitFor("the log tells", () => / handshakes-refused clients=\d+ total=\d+ full=0 under_way=\d+ /.test(cluster.log("gateway-1")));
        many.forEach((client) => client.close());
    });

    /** How a client may come, and go in the middle of it: at every stage of the handshake. */
    const stages = {
        "says nothing": () => {},
        "half a request": (raw) => raw.socket.write("GET /socket.io/?EIO=4&transport=web"),
        "no WebSocket key": (raw) => raw.ask("transport=websocket", token("x"), ["Upgrade: websocket", "Connection: Upgrade"]),
        "a session on long-polling": async (raw) => {
            raw.ask("transport=polling", token("x"));
            await waitFor("an answer", () => /"sid".*}$| 503 /.test(raw.text));
            const sid = /"sid":"([^"]+)"/.exec(raw.text)?.[1]; // who says no good-bye counts for five seconds, in unit tests
            await (sid && ask(url, `transport=polling&sid=${sid}`, { method: "POST", body: "1" }));
        },
        "a session, and its answer is not read": (raw) => { raw.socket.pause(); raw.askWebSocket(token("x")); },
        "a session": async (raw) => { raw.askWebSocket(token("x")); await waitFor("an answer", () => /maxPayload| 503 /.test(raw.text)); },
        "CONNECT": (raw) => { raw.askWebSocket(token("x")); raw.enter(); },
        "CONNECT that is refused": (raw) => { raw.askWebSocket("no token"); raw.enter(); },
        "no packet of Socket.IO": (raw) => { raw.askWebSocket(token("x")); raw.socket.write(Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0x34, 0x7a])); },
        "connected": async (raw) => { raw.askWebSocket(token("x")); raw.enter(); await waitFor("an answer", () => /40\{"sid"| 503 /.test(raw.text)); },
    };
    const ends = [(socket) => socket.destroy(), (socket) => socket.resetAndDestroy(), (socket) => socket.end(() => socket.destroy())];

    await step("whoever leaves at whatever stage is no handshake any more", async () => {
        const connections = await waitFor("only the first ones", async () => await metric("connections") <= 3 && await metric("connections"));
        for (const [name, come] of Object.entries(stages)) {
            await Promise.all(ends.map(async (end) => {
                const raw = new Raw(url);
                await within(`${name}: connected`, once(raw.socket, "connect"));
                await come(raw);
                end(raw.socket);
            }));
        }
        const all = Object.values(stages);
        await Promise.all(Array.from({ length: 300 }, async (_, i) => {
            const raw = new Raw(url);
            await all[Math.floor(Math.random() * all.length)](raw);
            ends[i % ends.length](raw.socket);
        }));
        await calm();
        await waitFor("all are gone", async () => await metric("connections") <= connections);
        assert.ok(ana.disconnected === null && luis.disconnected === null);
        assert.equal((await ask(url, "transport=polling", { cookie: `token=${token("eva")}` })).status, 200);
    });
});

clusterTest("a gateway without descriptors", { gateways: 1, brokers: 1, settings: ["gateway.workers=2"], within: ["prlimit", "--nofile=160"] },
    async (cluster, step) => {
        const url = cluster.url(1), cookie = `token=${cluster.token({ user: "eva", name: "eva", rol: "user" })}`;
        const metric = (name) => cluster.metric("gateway-1", name);

        await step("takes no more sessions, serves those that it has, and goes on when some have left", async () => {
            const luis = await cluster.connect({ user: "luis", options: { transports: ["polling"] } });
            const many = [];
            const answer = await waitFor("no more sessions", async () => {
                const client = await cluster.connect({ user: `u${many.length}` }).catch(() => null);
                client && many.push(client);
                return client ? null : ask(url, "transport=polling", { cookie });
            });
            assert.ok(many.length > 20, `${many.length} got in`);
            assert.deepEqual(answer, { status: 503, text: "This server is full; connect again" });
            await many[0].sendStored("luis", "hola");
            await luis.receive(1);
            assert.ok(await metric("handshakes_refused_full_total") >= 2);
            assert.equal(await metric("accept_pauses_total"), 0);
            many.splice(0, 10).forEach((client) => client.close());
            await waitFor("there is room again", async () => (await ask(url, "transport=polling", { cookie })).status === 200);
            assert.deepEqual([luis, ...many].map(({ disconnected }) => disconnected).filter((why) => why !== null), []);
        });
    });

// What may be kept: tables that grew, the cache of tokens; of what the crowd took, or MiB.
const CROWD = 6000, LEFT_OVER = 0.5, TABLES = 1;

// Sanitizers have a malloc of their own.
(SCALE === 1 ? clusterTest : () => {})("memory after a storm", { gateways: 1, settings: ["gateway.workers=2"] }, async (cluster, step) => {
    const nodes = ["gateway-1", "broker-1"];
    const anonymous = (name) => Number(/RssAnon:\s+(\d+)/.exec(readFileSync(`/proc/${cluster.node(name).pid}/status`, "utf8"))[1]) / 1024;
    const memory = () => nodes.map(anonymous);

    await step("comes back when the crowd has left", async () => {
        const ana = await cluster.connect({ user: "ana" });
        const before = memory();
        // It stays longer than the second in which a daemon counts once.
        const bench = ["reconnect", "--cluster", join(cluster.dir, "cluster.json"), "--users", CROWD, "--waves", 1, "--settle", 3000];
        const { code, stdout, stderr } = await run(`${BIN}/roomcast-bench`, bench.map(String));
        const top = memory();
        assert.equal(code, 0, stdout + stderr);
        const told = async (name) => /memory-returned height=\d+ now=\d /.test(cluster.log(name));
        await Promise.all(nodes.map((name) => waitFor(`${name} gives memory back`, () => told(name), 15)));
        memory().forEach((after, i) => {
            const grown = top[i] - before[i], kept = after - before[i];
            assert.ok(kept < Math.max(LEFT_OVER * grown, TABLES), `${nodes[i]} keeps ${kept.toFixed(1)} of ${grown.toFixed(1)} MiB`);
        });
        await ana.sendStored("ana", "hola");
        await ana.receive(1);
    });
});

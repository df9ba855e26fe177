// Back-pressure end to end: a stalled broker, persister, gateway or client fills bounded queues and nothing else. Each row of
// docs/protocol.md 10 reaches its bound here, and does what the table says.
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import net from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { clusterTest } from "./lib/cluster.mjs";
import { SCALE, waitFor, within } from "./lib/wait.mjs";

const MIB = 1 << 20;
const UNCONFIRMED = 10 * MIB, CLIENT = MIB, CREDIT = 256 << 10, TOPIC = 6 * MIB, WAITING = 256 << 10, GATEWAY = 4 * MIB;
const NUMBERS = 80; // queue.receiver
const settings = [
    `gateway.queue.unconfirmed=${UNCONFIRMED}`, `gateway.queue.client=${CLIENT}`, `gateway.queue.credit=${CREDIT}`,
    `gateway.queue.receiver=${NUMBERS}`, "gateway.queue.socket=512k", "gateway.workers=2",
    `broker.topic.buffer=${TOPIC}`, `broker.queue.waiting=${WAITING}`, `broker.queue.gateway=${GATEWAY}`,
];
const LARGE = "x".repeat(60000);

clusterTest("pressure", { gateways: 2, brokers: 3, persisters: 1, settings }, async (cluster, step) => {
    const nodes = cluster.nodes;
    const signal = (name, what) => process.kill(nodes.find((node) => node.name === name).pid, what);
    const metric = (who, name) => cluster.metric(who, name);
    let mute, asker, receivers, admin, senders, sent = 0;

    /** Numbered messages; what a receiver has of a sender must be these, once and in order. */
    const log = new Map(); // "sender receiver" -> numbers sent and not refused
    const note = (from, para, n) => {
        const key = `${from} ${para}`;
        log.set(key, [...log.get(key) ?? [], n]);
    };
    const say = (client, para, filler = "") => {
        const n = ++sent;
        note(client.user, para, n);
        client.send(para, { n, filler });
    };
    /** Asks; resolves with the ack. A refused one is taken off the list. */
    const ask = async (client, para, filler = "") => {
        const n = ++sent;
        note(client.user, para, n);
        const ack = await client.ask({ para, mensaje: { n, filler } }, 60);
        if (ack.error === "busy") {
            const key = `${client.user} ${para}`;
            log.set(key, log.get(key).filter((other) => other !== n));
        }
        return { n, para, ack, from: client.user };
    };
    const numbers = (client, de) => client.received.filter((m) => m.de === de).map((m) => m.mensaje.n);
    const arrived = () => [...log].every(([key, wanted]) => {
        const [de, para] = key.split(" ");
        return numbers(receivers.get(para), de).length >= wanted.length;
    });
    const checkAll = async (what) => {
        await waitFor(`${what}: everything arrived`, arrived, 30);
        for (const [key, wanted] of log) {
            const [de, para] = key.split(" ");
            assert.deepEqual(numbers(receivers.get(para), de), wanted, `${what}: ${key}, once and in order`);
        }
        const seen = new Map();
        await waitFor(`${what}: the admin has all`, () => admin.received.length >= [...log.values()].flat().length, 30);
        admin.received.forEach(({ mensaje: { n } }) => seen.set(n, (seen.get(n) ?? 0) + 1));
        assert.ok([...log.values()].flat().every((n) => seen.get(n) === 1), `${what}: the admin has each once`);
        assert.ok([mute, asker, admin, ...receivers.values(), ...senders].every((c) => c.disconnected === null), `${what}: nobody left`);
    };
    const restful = async () => {
        await waitFor("nothing unconfirmed", async () => await metric("gateway", "unconfirmed") === 0, 30);
        await waitFor("nothing unstored", async () => await metric("broker", "topic_records") === 0, 30);
    };
    /** Every acknowledged one is in history once. */
    const checkStored = async (acked) => {
        for (const para of new Set(acked.map((one) => one.para))) {
            const json = await waitFor("a persister answers", async () => {
                const answer = await cluster.get(`/api/mensajes?con=${para}`, { user: "jefe", rol: "admin" });
                return answer.status === 200 && answer.json;
            });
            const rows = new Map();
            json.forEach(({ mensaje: { n } }) => rows.set(n, (rows.get(n) ?? 0) + 1));
            for (const { n } of acked.filter((one) => one.para === para)) {
                assert.equal(rows.get(n), 1, `message ${n} to ${para} is acknowledged and stored ${rows.get(n) ?? 0} times`);
            }
        }
    };
    const who = async (user, gateway, rol) => Object.assign(await cluster.connect({ user, gateway, rol }), { user });

    /** Private memory of every node, in bytes: maps of the store are the kernel's. */
    const memory = () => Object.fromEntries(nodes.map(({ name, pid }) =>
        [name, 1024 * Number(/RssAnon:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))[1])]));
    let base;
    const ceilings = {
        // what is unconfirmed; to and from three brokers; the clients that do not read have their own
        gateway: UNCONFIRMED + 3 * (CREDIT + GATEWAY),
        broker: TOPIC + WAITING + 2 * (GATEWAY + CREDIT),
        // records that wait, those of a commit; the topic's messages that nng holds while the loop is busy, what malloc keeps
        persister: 16 * MIB + 8 * MIB + 16 * MIB,
    };
    const checkMemory = (what, extra = {}) => {
        if (SCALE > 1) {
            return; // a sanitizer's own
        }
        for (const [name, bytes] of Object.entries(memory())) {
            const ceiling = base[name] + ceilings[nodes.find((node) => node.name === name).role] + (extra[name] ?? 0);
            assert.ok(bytes <= ceiling, `${what}: ${name} has ${bytes >> 20} MiB, more than ${ceiling >> 20}`);
        }
    };

    await step("clients, and the memory that they need", async () => {
        const users = ["r1", "r2", "r3", "r4", "r5", "r6"];
        receivers = new Map(await Promise.all(users.map(async (user, i) => [user, await who(user, 1 + i % 2)])));
        [mute, asker, admin] = await Promise.all([who("mute", 1), who("asker", 1), who("jefe", 1, "admin")]);
        senders = await Promise.all(Array.from({ length: 30 }, (_, i) => who(`s${i}`, 1)));
        for (const client of [mute, asker]) {
            await Promise.all(users.map((para) => ask(client, para)));
        }
        await checkAll("warm");
        base = memory();
    });

    await step("a stalled persister: acks wait, deliveries go on, nobody is closed", async () => {
        const acks = [];
        signal("persister-1", "SIGSTOP");
        try {
            for (let i = 0; i < 95; i++) { // 60 kB each, as message and as row: more than UNCONFIRMED, less than TOPIC
                say(mute, `r${1 + i % 2}`, LARGE);
                acks.push(ask(asker, "r3"));
                if (i % 5 === 4) {
                    await waitFor("it is delivered", arrived, 20);
                }
            }
            await waitFor("the brokers have given it up", async () => await metric("broker", "persisters") === 0);
            for (const para of receivers.keys()) {
                say(mute, para);
                acks.push(ask(asker, para));
            }
            await waitFor("it is delivered", arrived, 20);
            assert.ok(await metric("gateway-1", "payloads_dropped_total") > 0, "the oldest payloads went");
            assert.equal(await metric("gateway", "emits_busy_total"), 0);
            let answered = 0;
            acks.forEach((ack) => ack.then(() => answered++));
            await sleep(0);
            assert.equal(answered, 0, "none is acknowledged yet");
            checkMemory("a stalled persister");
        } finally {
            signal("persister-1", "SIGCONT");
        }
        const done = await Promise.all(acks);
        assert.ok(done.every(({ ack }) => ack.ok === true));
        await restful();
        await checkAll("after a stalled persister");
        await checkStored(done);
        assert.equal(await metric("gateway", "not_stored_total"), 0);
    });

    await step("what brokers keep is bounded: busy, and after SIGCONT nothing is lost or doubled", async () => {
        const acks = [];
        signal("persister-1", "SIGSTOP");
        try {
            for (let i = 0; i < 25; i++) { // 45 MB: more than three topics, and what a gateway may have beside
                senders.forEach((client, k) => acks.push(ask(client, `r${1 + k % 6}`, LARGE)));
                await metric("gateway-1", "unconfirmed");
            }
            await waitFor("the topic of a broker is full", async () => await metric("broker", "busy_topic_total") > 0, 20);
            await waitFor("the gateway is full of what is not delivered",
                async () => await metric("gateway-1", "events_busy_total") > 0, 20);
            assert.ok(await metric("gateway-1", "unconfirmed_bytes") <= UNCONFIRMED);
            assert.ok(await metric("gateway-1", "socket_pauses_total") > 0);
            checkMemory("full topics");
        } finally {
            signal("persister-1", "SIGCONT");
        }
        const done = await within("all are answered", Promise.all(acks), 40);
        assert.ok(done.every(({ ack }) => ack.ok === true || ack.error === "busy"), JSON.stringify(done.find(({ ack }) => ack.error && ack.error !== "busy")));
        assert.ok(done.some(({ ack }) => ack.error === "busy") && done.some(({ ack }) => ack.ok));
        await restful();
        await checkAll("after full topics");
        await checkStored(done.filter(({ ack }) => ack.ok));
    });

    await step("too many waiting messages are busy", async () => {
        signal("persister-1", "SIGSTOP");
        try {
            for (let i = 0; i < 4000; i++) {
                say(mute, "r4");
            }
            await waitFor("a broker has queue.waiting", async () => await metric("broker", "busy_waiting_total") > 0, 20);
            assert.ok(await metric("broker", "waiting_bytes") <= 3 * WAITING);
        } finally {
            signal("persister-1", "SIGCONT");
        }
        await restful();
        await checkAll("after many waiting ones");
    });

    await step("a broker that is slow, and one that stalls for less than S: only delays", async () => {
        const ended = await metric("gateway", "link_ended_session_total");
        const acks = [];
        for (let i = 0; i < 12; i++) { // runs for a fifth of the time
            signal("broker-1", "SIGSTOP");
            senders.forEach((client, k) => acks.push(ask(client, `r${1 + k % 6}`, LARGE.slice(0, 20000))));
            await sleep(80);
            signal("broker-1", "SIGCONT");
            await sleep(20);
        }
        signal("broker-1", "SIGSTOP");
        senders.forEach((client, k) => acks.push(ask(client, `r${1 + k % 6}`, LARGE.slice(0, 20000))));
        await sleep(400 * SCALE);
        signal("broker-1", "SIGCONT");
        assert.ok((await Promise.all(acks)).every(({ ack }) => ack.ok === true));
        assert.ok(await metric("gateway-1", "credit_waits_total") > 0, "more than queue.credit wanted to go to it");
        await restful();
        await checkAll("after a slow broker");
        assert.equal(await metric("gateway", "link_ended_session_total"), ended, "no session ended");
        assert.equal(await metric("gateway", "fences_total"), 0);
    });

    await step("a gateway that stalls: its rooms are busy at queue.gateway, and it misses nothing", async () => {
        const reached = async () => await metric("broker", "busy_gateway_total") > 0;
        for (let tries = 0; !await reached(); tries++) { // it must not stall for as long as S, and the machine may be busy
            assert.ok(tries < 5, "a broker has queue.gateway for it");
            const acks = [];
            signal("gateway-2", "SIGSTOP");
            for (let i = 0; i < 100; i++) {
                acks.push(ask(senders[i % 30], "r2", LARGE)); // 6 MB to one room of that gateway
            }
            await waitFor("the bound", reached, 0.5).catch(() => { /* next time */ });
            signal("gateway-2", "SIGCONT");
            checkMemory("a stalled gateway");
            const done = await Promise.all(acks);
            assert.ok(done.every(({ ack }) => ack.ok === true || ack.error === "busy"));
        }
        await restful();
        await checkAll("after a stalled gateway");
    });

    await step("clients that never read are closed at queue.client, and all others get everything", async () => {
        const closed = await metric("gateway-1", "closed_slow");
        const deaf = await Promise.all(Array.from({ length: 20 }, (_, i) => connectDeaf(cluster, `sordo${i}`)));
        await waitFor("they are admins", async () => await metric("gateway-1", "sockets") >= 36 + deaf.length);
        let worst = 0;
        await waitFor("all of them are closed", async () => {
            await Promise.all(senders.map((client, i) => ask(client, `r${1 + i % 6}`, LARGE)));
            worst = Math.max(worst, await metric("gateway-1", "queue_bytes"));
            checkMemory("clients that never read", { "gateway-1": 2 * CLIENT });
            return await metric("gateway-1", "closed_slow") === closed + deaf.length;
        }, 20);
        assert.ok(worst <= UNCONFIRMED + deaf.length * (CLIENT + LARGE.length));
        await restful();
        await checkAll("beside clients that never read");
        deaf.forEach((socket) => socket.destroy());
    });

    await step("a receiver's table that is full: no new clients, every delivery", async () => {
        const late = await Promise.all(Array.from({ length: NUMBERS }, (_, i) => who(`t${i}`, 2)));
        late.forEach((client) => receivers.set(client.user, client));
        const done = await Promise.all(late.map((client) => ask(asker, client.user)));
        assert.ok(done.every(({ ack }) => ack.ok === true));
        assert.ok(await metric("gateway-2", "receiver_entries") >= NUMBERS);
        const refused = cluster.client({ user: "tarde", gateway: 2 });
        refused.socket.connect();
        await waitFor("no further client is taken", () => refused.disconnected !== null);
        assert.equal(await metric("gateway-2", "receiver_full_total"), 1);
        await checkAll("with a full table");
    });

    await step("no invariant was broken, and no session ended for want of acks", async () => {
        assert.equal(await metric("gateway", "invariants_broken_total"), 0);
        assert.equal(await metric("broker", "invariants_broken_total"), 0);
        assert.equal(await metric("persister", "invariants_broken"), 0);
        assert.equal(await metric("broker", "sessions_stuck_total"), 0);
    });
});

/** An admin on a bare WebSocket that reads the answer to its CONNECT and then nothing any more. */
async function connectDeaf(cluster, user) {
    const { hostname, port } = new URL(cluster.url(1));
    const socket = net.connect(Number(port), hostname);
    socket.on("error", () => { /* it is going to be reset */ });
    await once(socket, "connect");
    socket.write([
        "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1", `Host: ${hostname}:${port}`, "Upgrade: websocket", "Connection: Upgrade",
        "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        `Cookie: token=${cluster.token({ user, name: user, rol: "admin" })}`, "", "",
    ].join("\r\n"));
    let text = "";
    const heard = (what) => within(`${user} hears ${what}`, new Promise((resolve) => {
        const look = () => text.includes(what) && resolve();
        socket.on("data", look);
        look();
    }));
    socket.on("data", (bytes) => { text += bytes.toString("latin1"); });
    await heard("\"sid\"");
    socket.write(Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0x34, 0x30])); // "40", masked with zeros
    await heard("40{");
    socket.removeAllListeners("data");
    socket.pause();
    return socket;
}

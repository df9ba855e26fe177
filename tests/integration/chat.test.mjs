// The support chat across gateways and brokers: every sentence of what users and admins may expect of it.
import assert from "node:assert/strict";
import { clusterTest } from "./lib/cluster.mjs";
import { hs256, makeToken, now } from "./lib/token.mjs";
import { SCALE, stays, waitFor, within } from "./lib/wait.mjs";

/** Waits until what was sent so far has reached everybody: a message behind it, by the same sender, to each receiver. */
async function settle(sender, ...receivers) {
    for (const { client, user } of receivers) {
        const mark = `mark ${Math.random()}`;
        await sender.ask({ para: user, mensaje: mark });
        await waitFor("the mark", () => client.received.some((message) => message.mensaje === mark));
    }
}

/** An array in an array in an array... */
function nested(levels) {
    let value = [];
    for (let n = 1; n < levels; n++) {
        value = [value];
    }
    return value;
}

const messages = (client) => client.received.map(({ mensaje }) => mensaje).filter((text) => !/^mark /.test(text));

const settings = ["gateway.sio.namespaces=/,/soporte"];

clusterTest("chat", { gateways: 3, brokers: 3, persisters: 1, settings }, async (cluster, step) => {
    await step("a user writes to a user on another gateway", async () => {
        const ana = await cluster.connect({ user: "ana", gateway: 1 });
        const luis = await cluster.connect({ user: "luis", gateway: 2 });
        assert.deepEqual(await ana.ask({ para: "luis", mensaje: "hola" }), { ok: true });
        assert.deepEqual(await luis.receive(1), [{ de: "ana", mensaje: "hola" }]);
        await stays("nothing is echoed to the sender", () => ana.received.length === 0);
        ana.close();
        luis.close();
    });

    await step("a user's message reaches the receiver and every admin once, an admin's only the receiver", async () => {
        const user = await cluster.connect({ user: "eva", gateway: 1 });
        const other = await cluster.connect({ user: "otro", gateway: 3 });
        const admins = [];
        for (const gateway of [1, 2, 3]) {
            admins.push(await cluster.connect({ user: `jefe${gateway}`, rol: "admin", gateway }));
        }
        await user.sendStored("jefe2", "ayuda");
        for (const admin of admins) {
            assert.deepEqual(await admin.receive(1), [{ de: "eva", mensaje: "ayuda" }]);
        }
        await admins[0].sendStored("eva", "voy");
        assert.deepEqual(await user.receive(1), [{ de: "jefe1", mensaje: "voy" }]);
        await admins[0].sendStored("otro", "fin");
        await other.receive(1);
        await stays("an admin in both rooms has one copy, and other admins do not see an admin's answer",
            () => admins.every((admin) => admin.received.length === 1));
        [user, other, ...admins].forEach((client) => client.close());
    });

    await step("every tab of a user gets one copy, on whichever gateway it is", async () => {
        const tabs = [];
        for (const gateway of [1, 1, 2, 3]) {
            tabs.push(await cluster.connect({ user: "tabs", gateway }));
        }
        const sender = await cluster.connect({ user: "sender", gateway: 2 });
        await sender.sendStored("tabs", "uno");
        await Promise.all(tabs.map((tab) => tab.receive(1)));
        tabs[0].close();
        await sender.sendStored("tabs", "dos");
        await Promise.all(tabs.slice(1).map((tab) => tab.receive(2)));
        await stays("one copy each", () => tabs.slice(1).every((tab) => tab.received.length === 2));
        assert.deepEqual(messages(tabs[0]), ["uno"]);
        [sender, ...tabs].forEach((client) => client.close());
    });

    await step("a message to oneself comes back to each tab once", async () => {
        const tabs = [await cluster.connect({ user: "yo", gateway: 1 }), await cluster.connect({ user: "yo", gateway: 2 })];
        await tabs[0].sendStored("yo", "nota");
        await Promise.all(tabs.map((tab) => tab.receive(1)));
        await stays("once", () => tabs.every((tab) => tab.received.length === 1));
        tabs.forEach((tab) => tab.close());
    });

    await step("rooms of many names, on all brokers, keep each sender's order", async () => {
        const names = Array.from({ length: 24 }, (_, i) => `sala${i}`);
        const receivers = await Promise.all(names.map((user, i) => cluster.connect({ user, gateway: 1 + i % 3 })));
        const senders = [await cluster.connect({ user: "s1", gateway: 1 }), await cluster.connect({ user: "s2", gateway: 3 })];
        for (let n = 0; n < 50; n++) {
            for (const sender of senders) {
                names.forEach((para) => sender.send(para, n));
            }
        }
        await Promise.all(receivers.map((receiver) => receiver.receive(100, 20)));
        for (const receiver of receivers) {
            for (const de of ["s1", "s2"]) {
                const order = receiver.received.filter((message) => message.de === de).map(({ mensaje }) => mensaje);
                assert.deepEqual(order, Array.from({ length: 50 }, (_, n) => n));
            }
        }
        for (const name of ["broker-1", "broker-2", "broker-3"]) {
            assert.ok(await cluster.metric(name, "emits_total") > 0, `${name} took part`);
        }
        [...receivers, ...senders].forEach((client) => client.close());
    });

    // Promise P2: joined before connected. The sender writes while the event `connect` is still being handled.
    await step("who is connected is reached from other gateways from that moment on", async () => {
        const count = SCALE > 1 ? 100 : 1000;
        const senders = await Promise.all([1, 2, 3].map((gateway) => cluster.connect({ user: `p2-from-${gateway}`, gateway })));
        const one = async (n) => {
            const client = cluster.client({ user: `p2-${n}`, gateway: 1 + n % 3 });
            client.socket.once("connect", () => senders[(n + 1 + n % 2) % 3].send(`p2-${n}`, n));
            await client.connect();
            assert.deepEqual((await client.receive(1)).map(({ mensaje }) => mensaje), [n]);
            client.close();
        };
        const lane = async (first) => {
            for (let n = first; n < count; n += 20) {
                await one(n);
            }
        };
        await Promise.all(Array.from({ length: 20 }, (_, first) => lane(first)));
        senders.forEach((sender) => sender.close());
    });

    await step("a message goes only to the gateways that have members", async () => {
        const sender = await cluster.connect({ user: "jefa", rol: "admin", gateway: 1 });
        const receiver = await cluster.connect({ user: "solo", gateway: 2 });
        const before = await cluster.metric("gateway", "deliveries_received");
        await sender.sendStored("solo", "uno");
        await receiver.receive(1);
        assert.equal(await cluster.metric("gateway", "deliveries_received") - before, 1);
        await sender.sendStored("nadie", "a nobody");
        assert.equal(await cluster.metric("gateway", "deliveries_received") - before, 1);
        [sender, receiver].forEach((client) => client.close());
    });

    await step("any JSON value, and binary, is relayed as it is", async () => {
        const ana = await cluster.connect({ user: "ana", gateway: 1 });
        const luis = await cluster.connect({ user: "luis", gateway: 2 });
        const values = ["", "ñandú \u0000 \u2028 😀", 0, -1.5e300, true, null, [1, [2]], { a: { b: "c" } }, "x".repeat(100000)];
        for (const mensaje of values) {
            await ana.ask({ para: "luis", mensaje });
        }
        await ana.ask({ para: "luis" });
        await ana.ask({ para: "luis", mensaje: { foto: Buffer.from([0, 1, 2, 255]), nota: "hi" } });
        const received = await luis.receive(values.length + 2);
        assert.deepEqual(received.slice(0, values.length).map(({ mensaje }) => mensaje), values);
        assert.deepEqual(received[values.length], { de: "ana" }, "an absent mensaje is left out");
        assert.deepEqual(received[values.length + 1].mensaje, { foto: Buffer.from([0, 1, 2, 255]), nota: "hi" });
        [ana, luis].forEach((client) => client.close());
    });

    await step("bad payloads are refused in the ack and harm nothing", async () => {
        const ana = await cluster.connect({ user: "ana" });
        const luis = await cluster.connect({ user: "luis" });
        const counted = () => cluster.metric("gateway", "events_refused_total");
        const ask = (...args) => within("ack", new Promise((resolve) => ana.socket.emit("mensaje_privado", ...args, resolve)), 10);
        const own = (text) => JSON.parse(text); // makes __proto__ a key like any other
        const engine = ana.socket.io.engine;
        const tooDeep = `["mensaje_privado",{"para":"luis","mensaje":${"[".repeat(5000)}${"]".repeat(5000)}}]`; // for the client, too
        const bad = [undefined, null, 7, "text", true, [], ["luis"], [{ para: "luis" }], [[[]]], {}, { para: null }, { para: 5 },
            { para: true }, { para: "" }, { para: ["luis"] }, { para: { toString: 1 } }, { para: { para: "luis" } },
            { para: { a: { b: { c: ["luis"] } } } }, { para: [["luis"]] }, { para: "x".repeat(129) }, { para: "x".repeat(900000) },
            { para: "lu\u0000is" }, { para: "\ud800" }, { Para: "luis" }, own('{"__proto__":{"para":"luis"}}'),
            own('{"__proto__":"luis","mensaje":1}'), { constructor: { prototype: { para: "luis" } } },
            { constructor: "luis", toString: 1 }, { para: own('{"__proto__":"luis"}') }, { para: { constructor: "luis" } }];
        let before = await counted();
        for (const payload of bad) {
            const ack = await ask(payload);
            assert.deepEqual([Object.keys(ack), typeof ack.error], [["error"], "string"], `${JSON.stringify(payload)}`.slice(0, 99));
        }
        for (const args of [[], ["luis", { para: "luis" }], [null, { para: "luis", mensaje: 1 }, 3], [7, 8, 9]]) {
            assert.equal(typeof (await ask(...args)).error, "string", JSON.stringify(args));
        }
        const ack = within("ack", new Promise((resolve) => engine.on("data", (text) => text.startsWith("3900[") && resolve(text))));
        engine.write(`2900${tooDeep}`);
        assert.match(await ack, /^3900\[\{"error":".*512/);
        assert.equal(await counted() - before, bad.length + 5, "each is counted");
        before = await counted();
        bad.forEach((payload) => ana.socket.emit("mensaje_privado", payload));
        engine.write(`2${tooDeep}`);
        ana.socket.emit("mensaje_privado");
        ana.socket.emit("mensaje_privado", 7, { para: "luis", mensaje: 1 });
        ana.socket.emit("otra_cosa", { para: "luis" });
        await waitFor("those without an ack are counted too", async () => await counted() - before === bad.length + 3);
        assert.ok(await cluster.metric("gateway", "events_ignored_total") >= 1);
        const good = [nested(400), own('{"__proto__":{"x":1},"constructor":{"prototype":{"x":1}}}'), { para: "otra" }];
        for (const mensaje of good) {
            assert.deepEqual(await ask({ para: "luis", mensaje }), { ok: true });
        }
        assert.deepEqual(await ask({ para: "luis", mensaje: "varios" }, { para: "otra" }, "más"), { ok: true });
        assert.deepEqual(await ask(own('{"para":"luis","mensaje":"bien","__proto__":{"para":"otra"}}')), { ok: true });
        const received = await luis.receive(good.length + 2);
        assert.deepEqual(received.map(({ mensaje }) => JSON.stringify(mensaje)),
            [...good, "varios", "bien"].map((mensaje) => JSON.stringify(mensaje)));
        assert.deepEqual([...new Set(received.map(({ de }) => de))], ["ana"]);
        assert.equal(await counted() - before, bad.length + 3);
        assert.ok(ana.socket.connected && ana.disconnected === null, "the connection was open all the time");
        [ana, luis].forEach((client) => client.close());
    });

    await step("each namespace is a chat of its own, with one history", async () => {
        const at = (gateway) => `${cluster.url(gateway)}/soporte`;
        const ana = await cluster.connect({ user: "ana3", gateway: at(1) });
        const here = await cluster.connect({ user: "luis3", gateway: at(2) });
        const there = await cluster.connect({ user: "luis3", gateway: 2 });
        const jefe = await cluster.connect({ user: "jefe3", rol: "admin", gateway: at(3) });
        const other = await cluster.connect({ user: "jefe3", rol: "admin", gateway: 3 });
        await ana.sendStored("luis3", "en soporte");
        await ana.sendStored("jefe3", "al jefe");
        await there.sendStored("luis3", "en la raiz");
        assert.deepEqual(await here.receive(1), [{ de: "ana3", mensaje: "en soporte" }]);
        assert.deepEqual(await jefe.receive(2), [{ de: "ana3", mensaje: "en soporte" }, { de: "ana3", mensaje: "al jefe" }]);
        assert.deepEqual(await there.receive(1), [{ de: "luis3", mensaje: "en la raiz" }]);
        assert.deepEqual(await other.receive(1), [{ de: "luis3", mensaje: "en la raiz" }]);
        await stays("a message stays in its namespace, one copy each", () =>
            [here, jefe, there, other].map((client) => client.received.length).join() === "1,2,1,1");
        const { json } = await cluster.get("/api/mensajes/mios", { user: "luis3" });
        assert.deepEqual(json.map(({ mensaje }) => mensaje), ["en soporte", "en la raiz"]);
        [ana, here, there, jefe, other].forEach((client) => client.close());
    });

    await step("one connection may be in several namespaces", async () => {
        const ana = await cluster.connect({ user: "ana3", gateway: 1 });
        const both = await cluster.connect({ user: "luis3", gateway: 2 });
        const second = both.socket.io.socket("/soporte");
        const received = [];
        second.on("mensaje_recibido", (message) => received.push(message));
        second.connect();
        await waitFor("the second namespace", () => second.connected);
        assert.equal(second.io.engine, both.socket.io.engine);
        assert.notEqual(second.id, both.socket.id);
        await ana.sendStored("luis3", "raiz");
        assert.deepEqual(await both.receive(1), [{ de: "ana3", mensaje: "raiz" }]);
        assert.deepEqual(await new Promise((resolve) => second.emit("mensaje_privado", { para: "luis3", mensaje: 1 }, resolve)),
            { ok: true });
        await waitFor("the message in the second namespace", () => received.length === 1);
        assert.deepEqual(received, [{ de: "luis3", mensaje: 1 }]);
        second.disconnect();
        await ana.sendStored("luis3", "sigue");
        assert.deepEqual((await both.receive(2)).map(({ mensaje }) => mensaje), ["raiz", "sigue"]);
        const gone = both.socket.io.socket("/nada");
        const error = await new Promise((resolve) => gone.once("connect_error", resolve).connect());
        assert.equal(error.message, "Invalid namespace");
        assert.ok(both.socket.connected, "a refused namespace ends no other");
        [ana, both].forEach((client) => client.close());
    });

    await step("`de` and the rooms come from the token alone", async () => {
        const eva = await cluster.connect({ user: "eva2", options: { query: { user: "admins" }, auth: { user: "luis" } } });
        const luis = await cluster.connect({ user: "luis2" });
        assert.deepEqual(await eva.ask({ para: "luis2", mensaje: "soy yo", de: "otra", user: "otra" }), { ok: true });
        assert.deepEqual(await luis.receive(1), [{ de: "eva2", mensaje: "soy yo" }]);
        const named = await cluster.connect({ user: "admins" });
        await eva.sendStored("zoe", "to admins");
        await settle(eva, { client: luis, user: "luis2" });
        await stays("a user called admins is no admin", () => messages(named).length === 0);
        [eva, luis, named].forEach((client) => client.close());
    });

    await step("refusals have the original's words", async () => {
        const refused = async (who) => {
            const client = cluster.client(who);
            const error = await client.connect().then(() => null, (reason) => reason);
            client.close();
            return error?.message;
        };
        const secret = cluster.jwtSecret;
        const cookie = (token) => ({ cookie: `token=${token}` });
        const claims = { user: "ana", name: "Ana", rol: "user" };
        assert.equal(await refused({ cookie: null }), "No autenticado");
        assert.equal(await refused({ cookie: "other=1" }), "Token no proporcionado");
        assert.equal(await refused({ cookie: "token=" }), "Token no proporcionado");
        assert.equal(await refused({ cookie: `xtoken=${makeToken(claims, secret)}` }), "Token no proporcionado");
        const wrong = {
            garbage: "abc", dots: "..", "other secret": makeToken(claims, "x".repeat(32)),
            "alg none": makeToken(claims, secret, { alg: "none", typ: "JWT" }, () => Buffer.alloc(0)),
            "alg HS512 in the header": makeToken(claims, secret, { alg: "HS512", typ: "JWT" }),
            "empty key": makeToken(claims, "", { alg: "HS256", typ: "JWT" }, (text) => hs256(text, "")),
            expired: makeToken({ ...claims, exp: now() - 60 }, secret),
            "not yet valid": makeToken({ ...claims, nbf: now() + 3600 }, secret),
            "exp as text": makeToken({ ...claims, exp: String(now() + 3600) }, secret),
            "no user": makeToken({ rol: "admin" }, secret),
            "empty user": makeToken({ user: "" }, secret),
            "user is a number": makeToken({ user: 5 }, secret),
            "user of 129 bytes": makeToken({ user: "u".repeat(129) }, secret),
        };
        for (const [what, token] of Object.entries(wrong)) {
            assert.equal(await refused(cookie(token)), "Token inválido", what);
        }
        const good = await cluster.connect({ cookie: `a=b; token=${makeToken({ ...claims, exp: now() + 3600 }, secret)}; c=d` });
        good.close();
        assert.equal(await refused({ user: "ana", gateway: `${cluster.url(1)}/nowhere` }), "Invalid namespace");
    });

    await step("a socket is closed when its token expires", async () => {
        const brief = await cluster.connect({ user: "breve", claims: { exp: now() + 3 } });
        await waitFor("the close", () => brief.disconnected, 15);
        brief.close();
    });

    await step("rooms vanish with their last member", async () => {
        await waitFor("no rooms", async () => {
            const rooms = await Promise.all(cluster.nodes.filter(({ role }) => role !== "persister")
                .map(async ({ name }) => (await cluster.status(name)).rooms));
            return rooms.every((count) => count === 0);
        });
    });
});

// History over HTTP, from any gateway, also after everything was restarted.
import assert from "node:assert/strict";
import { httpGet } from "./lib/client.mjs";
import { clusterTest } from "./lib/cluster.mjs";
import { waitFor } from "./lib/wait.mjs";

const ADMIN = { user: "jefe", rol: "admin" };
const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

const settings = ["gateway.cors.origins=https://app.example,http://localhost:3000"];

clusterTest("history", { gateways: 2, brokers: 3, persisters: 1, settings }, async (cluster, step) => {
    const rows = async (path, claims, gateway) => {
        const { status, json, text } = await cluster.get(path, claims, gateway);
        assert.equal(status, 200, text);
        return json;
    };
    const expected = [
        ["ana", "jefe", "primero"], ["jefe", "ana", "segundo"], ["ana", "jefe", { foto: { base64: "AAH/" } }], ["ana", "jefe", null],
    ];
    const check = (json) => {
        assert.deepEqual(json.map((row) => [row.de_usuario, row.para_usuario, row.mensaje]), expected);
        assert.deepEqual(Object.keys(json[0]), ["de_usuario", "para_usuario", "mensaje", "fecha"]);
        json.forEach((row) => assert.match(row.fecha, ISO));
        assert.deepEqual(json.map((row) => row.fecha), json.map((row) => row.fecha).sort(), "oldest first");
    };

    await step("what was acknowledged is there, from every gateway", async () => {
        const ana = await cluster.connect({ user: "ana", gateway: 1 });
        const jefe = await cluster.connect({ ...ADMIN, gateway: 2 });
        const luis = await cluster.connect({ user: "luis", gateway: 2 });
        await ana.sendStored("jefe", "primero");
        await jefe.sendStored("ana", "segundo");
        assert.deepEqual(await ana.ask({ para: "jefe", mensaje: { foto: Buffer.from([0, 1, 255]) } }), { ok: true });
        assert.deepEqual(await ana.ask({ para: "jefe" }), { ok: true });
        await luis.sendStored("nadie", "solo");
        for (const gateway of [1, 2]) {
            check(await rows("/api/mensajes/mios", { user: "ana" }, gateway));
            check(await rows("/api/mensajes?con=ana", ADMIN, gateway));
            assert.deepEqual((await rows("/api/usuarios-conversaciones", ADMIN, gateway)).sort(), ["ana", "luis"]);
        }
        assert.deepEqual(await rows("/api/mensajes?con=otra", ADMIN), []);
        assert.deepEqual((await rows("/api/mensajes?con=nadie", ADMIN)).map((row) => row.de_usuario), ["luis"]);
        [ana, jefe, luis].forEach((client) => client.close());
    });

    await step("errors are JSON with the reference's codes and words", async () => {
        const refused = async (path, cookieClaims) => {
            const { status, json } = await cluster.get(path, cookieClaims);
            return [status, json?.error];
        };
        assert.deepEqual(await refused("/api/mensajes/mios", null), [401, "No autenticado"]);
        for (const path of ["/api/mensajes?con=ana", "/api/usuarios-conversaciones"]) {
            assert.deepEqual(await refused(path, null), [403, "Acceso denegado"]);
            assert.deepEqual(await refused(path, { user: "ana", rol: "user" }), [403, "Acceso solo para administradores"]);
            assert.deepEqual(await refused(path, { user: "" }), [403, "Token inválido"]);
        }
        assert.deepEqual(await refused("/api/mensajes/mios", { user: "" }), [403, "Token inválido"]);
        assert.deepEqual(await refused("/api/mensajes", ADMIN), [400, "Falta el parámetro ?con=usuario"]);
        assert.equal((await cluster.get("/api/mensajes?con=ana&limit=zwei", ADMIN)).status, 400);
        for (const page of ["before=00", "after=00", "after=", "before=0", "after=00&before=00"])
            assert.equal((await cluster.get(`/api/mensajes?con=ana&${page}`, ADMIN)).status, 400, page);
    });

    await step("pages of other sites read it only when their origin is listed", async () => {
        const ask = (origin, method = "GET", headers = {}) => httpGet(`${cluster.url(1)}/api/mensajes/mios`,
            `token=${cluster.token({ user: "ana" })}`, { method, headers: { origin, ...headers } });
        const before = await cluster.metric("gateway", "origins_refused_total");
        for (const origin of ["https://evil.example", "null", "http://app.example", `${cluster.url(2)}`]) {
            const { status, headers, json } = await ask(origin);
            assert.deepEqual([status, json, headers.vary], [403, { error: "Origen no permitido" }, "Origin"], origin);
            assert.equal(headers["access-control-allow-origin"], undefined);
        }
        assert.equal(await cluster.metric("gateway", "origins_refused_total") - before, 4);
        assert.match(cluster.log("gateway-1"), /origin-refused origin="https:\/\/evil\.example" host="127.*cors\.origins/);
        for (const [origin, allowed] of [["https://app.example", "https://app.example"], [cluster.url(1), undefined]]) {
            const { status, headers } = await ask(origin);
            assert.deepEqual([status, headers.vary, headers["access-control-allow-origin"]], [200, "Origin", allowed]);
        }
        const wanted = { "access-control-request-method": "GET", "access-control-request-headers": "x-a" };
        const { status, headers, text } = await ask("http://localhost:3000", "OPTIONS", wanted);
        assert.deepEqual([status, text, headers["content-length"]], [204, "", undefined]);
        assert.equal(headers["access-control-allow-origin"], "http://localhost:3000");
        assert.equal(headers["access-control-allow-credentials"], "true");
        assert.equal(headers["access-control-allow-headers"], "x-a");
        assert.equal((await ask("https://evil.example", "OPTIONS", wanted)).status, 403);
    });

    await step("a long history comes whole and in order, and in pages when asked", async () => {
        const bea = await cluster.connect({ user: "bea", gateway: 2 });
        const acks = Array.from({ length: 1500 }, (_, n) => bea.ask({ para: "jefe", mensaje: n }, 30));
        assert.ok((await Promise.all(acks)).every((ack) => ack.ok === true));
        const all = await rows("/api/mensajes?con=bea", ADMIN);
        assert.deepEqual(all.map((row) => row.mensaje), Array.from({ length: 1500 }, (_, n) => n));
        const pages = [];
        let path = "/api/mensajes?con=bea&limit=200";
        for (let next = path; next;) {
            const answer = await cluster.get(next, ADMIN, 1);
            pages.unshift(...answer.json);
            const before = answer.headers["x-next-before"];
            next = before ? `${path}&before=${encodeURIComponent(before)}` : null;
        }
        assert.deepEqual(pages, all);
        bea.close();
    });

    await step("who follows by X-Next-After gets each message once, from the beginning and as they come", async () => {
        const follow = async (after, got) => {
            for (;;) {
                const answer = await cluster.get(`/api/mensajes?con=bea&after=${after}&limit=250`, ADMIN, 1);
                assert.equal(answer.status, 200, answer.text);
                after = answer.headers["x-next-after"];
                if (answer.json.length === 0) return after;
                got.push(...answer.json.map((row) => row.mensaje));
            }
        };
        const got = [];
        const end = await follow("0", got);
        assert.deepEqual(got, Array.from({ length: 1500 }, (_, n) => n));
        const newest = await cluster.get("/api/mensajes?con=bea&limit=1", ADMIN, 2);
        const bea = await cluster.connect({ user: "bea", gateway: 1 });
        await bea.sendStored("jefe", 1500);
        bea.close();
        for (const after of [end, newest.headers["x-next-after"]]) {
            const later = [];
            await follow(after, later);
            assert.deepEqual(later, [1500]);
        }
    });

    await step("all of it survives a restart of every process", async () => {
        await cluster.restart();
        for (const gateway of [1, 2]) {
            check(await rows("/api/mensajes/mios", { user: "ana" }, gateway));
            assert.equal((await rows("/api/mensajes?con=bea", ADMIN, gateway)).length, 1501);
        }
        const ana = await cluster.connect({ user: "ana" });
        await ana.sendStored("jefe", "despues");
        assert.equal((await rows("/api/mensajes/mios", { user: "ana" })).at(-1).mensaje, "despues");
    });

    await step("a killed persister delays acks, not deliveries, and loses nothing that was acknowledged", async () => {
        const ana = await cluster.connect({ user: "ana", gateway: 1 });
        const luis = await cluster.connect({ user: "luis", gateway: 2 });
        await ana.sendStored("luis", "antes");
        await cluster.kill("persister-1");
        let ack = null;
        const sent = ana.ask({ para: "luis", mensaje: "sin almacen" }, 25).then((answer) => { ack = answer; });
        await luis.receive(2);
        assert.equal(ack, null, "delivered, and not acknowledged before it is stored");
        const { status, json } = await cluster.get("/api/mensajes/mios", { user: "ana" });
        assert.equal(status, 503);
        assert.equal(typeof json.error, "string");
        await cluster.startNodes("persister-1");
        await sent;
        assert.deepEqual(ack, { ok: true });
        await waitFor("the gateway has found the persister again", async () =>
            (await cluster.get("/api/mensajes/mios", { user: "ana" })).status === 200);
        const texts = (await rows("/api/mensajes/mios", { user: "ana" })).map((row) => row.mensaje);
        assert.deepEqual(texts.slice(-2), ["antes", "sin almacen"]);
    });
});

clusterTest("history of two persisters", { gateways: 2, brokers: 1, persisters: 2 }, async (cluster, step) => {
    const NAMES = ["persister-1", "persister-2"];
    const N = 300;
    const page = async (gateway, query) => {
        const answer = await cluster.get(`/api/mensajes?con=bea&limit=100${query}`, ADMIN, gateway);
        return { ...answer, got: answer.json?.map?.((row) => row.mensaje) };
    };
    const range = (first, last) => Array.from({ length: last - first }, (_, n) => first + n);
    const asked = () => Promise.all(NAMES.map((name) => cluster.metric(name, "history_queries")));

    await step("both store everything, and all gateways ask the same one about a user", async () => {
        const bea = await cluster.connect({ user: "bea" });
        const acks = range(0, N).map((n) => bea.ask({ para: "jefe", mensaje: n }, 30));
        assert.ok((await Promise.all(acks)).every((ack) => ack.ok === true));
        bea.close();
        for (const name of NAMES)
            await waitFor(`${name} has all`, async () => await cluster.metric(name, "store_rows") === N);
        for (let i = 0; i < 6; i++) assert.equal((await page(1 + i % 2, "")).got.length, 100);
        assert.deepEqual((await asked()).sort(), [0, 6]);
    });

    await step("when that one dies the other goes on, and shows each message once", async () => {
        const first = await page(1, "");
        const from = NAMES[(await asked()).findIndex((count) => count > 0)];
        await cluster.kill(from);
        const { before, after } = { before: first.headers["x-next-before"], after: first.headers["x-next-after"] };
        let back;
        await waitFor("the gateway asks the other", async () => (back = await page(2, `&before=${before}`)).status === 200);
        const oldest = await page(2, `&before=${back.headers["x-next-before"]}`);
        assert.deepEqual([...oldest.got, ...back.got, ...first.got], range(0, N));
        assert.equal(oldest.headers["x-next-before"], undefined);
        const later = await page(2, `&after=${after}`);
        assert.deepEqual(later.got, []);
        await cluster.startNodes(from);
        const bea = await cluster.connect({ user: "bea", gateway: 2 });
        await bea.sendStored("jefe", N);
        bea.close();
        let next; // the one that is asked may be the one that does not have it yet
        await waitFor("the new message", async () =>
            (next = await page(2, `&after=${later.headers["x-next-after"]}`)).got?.length > 0);
        assert.deepEqual(next.got, [N]);
    });
});

// No sticky sessions (P7): any gateway serves any request of any session, behind a plain round-robin proxy and one by one.
import assert from "node:assert/strict";
import http from "node:http";
import { chromium } from "playwright-core";
import { clusterTest } from "./lib/cluster.mjs";
import { ask, pollingSession, upgrade } from "./lib/engine.mjs";
import { startProxy } from "./lib/proxy.mjs";
import { SCALE, waitFor, within } from "./lib/wait.mjs";

const MANY = SCALE > 1 ? 60 : 300;
const QUEUE = 256 * 1024; // queue.client

const UNKNOWN = { status: 400, text: '{"code":1,"message":"Session ID unknown"}' };

// Pages of these origins exist in the browser of the test alone.
const LISTED = "http://127.0.0.1:9901", FOREIGN = "http://127.0.0.1:9902";
const settings = [`gateway.queue.client=${QUEUE}`, `gateway.cors.origins=${LISTED}`];

clusterTest("relays", { gateways: 3, settings }, async (cluster, step, t) => {
    const urls = [1, 2, 3].map((number) => cluster.url(number));
    const proxy = await startProxy(urls);
    const cookie = (user, rol = "user") => `token=${cluster.token({ user, rol })}`;
    const gauge = (name) => cluster.metric("gateway", name);
    const noneLeft = () => waitFor("no relays left", async () => await gauge("relayed") === 0 && await gauge("guests") === 0);

    await step(`${MANY} clients with default transports end on websocket, and a message crosses each relay`, async () => {
        const clients = Array.from({ length: MANY }, (_, i) =>
            cluster.client({ user: `u${i}`, gateway: proxy.url, options: { transports: ["polling", "websocket"] } }));
        await Promise.all(clients.map((client) => client.connect(30)));
        await waitFor("every client on websocket",
            () => clients.every(({ socket }) => socket.io.engine.transport.name === "websocket"), 30);
        const relayed = await gauge("relayed");
        assert.ok(relayed >= MANY / 4, `round robin relays about two of three clients, here ${relayed} of ${MANY}`);
        assert.equal(await gauge("guests"), relayed);
        assert.equal(await gauge("polling_sessions"), 0);
        const { stdout } = await cluster.ctl("status", "-o", "json");
        const rows = JSON.parse(stdout).nodes.filter(({ role }) => role === "gateway");
        assert.equal(rows.reduce((sum, node) => sum + node.relayed, 0), relayed, "status shows them");
        await Promise.all(clients.map((client, i) => client.sendStored(`u${(i + 1) % MANY}`, i)));
        for (const [i, client] of clients.entries()) {
            assert.deepEqual(await client.receive(1), [{ de: `u${(i + MANY - 1) % MANY}`, mensaje: (i + MANY - 1) % MANY }]);
            assert.equal(client.disconnected, null);
        }
        clients.forEach((client) => client.close());
        await noneLeft();
    });

    await step("an unchanged page works behind the balancer, pages of other sites only if they are listed", async () => {
        const browser = await chromium.launch({
            executablePath: process.env.ROOMCAST_CHROMIUM || "/usr/bin/chromium",
            // Chromium's sandbox refuses root; pages that the test makes up have no address, and count as public ones.
            args: ["--disable-features=LocalNetworkAccessChecks", ...(process.getuid() === 0 ? ["--no-sandbox"] : [])],
        });
        t.after(() => browser.close());
        const context = await browser.newContext();
        context.setDefaultTimeout(15000 * SCALE);
        await context.addCookies([{ name: "token", value: cluster.token({ user: "page", rol: "user" }), url: proxy.url }]);
        /** What became of a page of this origin that connects with this call of io(), and writes to itself. */
        const visit = async (origin, call) => {
            const page = await context.newPage();
            await page.route(`${origin}/page`, (route) => route.fulfill({ contentType: "text/html", body: `
                <script src="${proxy.url}/socket.io/socket.io.js"></script>
                <script>
                    const socket = ${call};
                    const result = new Promise((resolve) => {
                        socket.on("connect_error", (error) => resolve({ error: error.message }));
                        socket.on("mensaje_recibido", (message) => setTimeout(() => resolve(message), 0));
                        socket.on("connect", () => socket.emit("mensaje_privado", { para: "page", mensaje: "hola" }));
                    });
                </script>` }));
            await page.goto(`${origin}/page`);
            const result = await page.evaluate("result");
            if (!result.error && call === "io()") {
                await page.waitForFunction("socket.io.engine.transport.name === 'websocket'");
            }
            await page.close();
            return result;
        };
        const other = (options) => `io("${proxy.url}", { withCredentials: true, ${options} })`;
        const hello = { de: "page", mensaje: "hola" };
        assert.deepEqual(await visit(proxy.url, "io()"), hello);
        assert.deepEqual(await visit(LISTED, other('transports: ["polling"]')), hello);
        assert.deepEqual(await visit(LISTED, other('transports: ["websocket"]')), hello);
        assert.deepEqual(await visit(FOREIGN, other('transports: ["polling"]')), { error: "xhr poll error" });
        assert.deepEqual(await visit(FOREIGN, other('transports: ["websocket"]')), { error: "websocket error" });
        assert.ok(await gauge("origins_refused_total") >= 2);
        assert.ok([1, 2, 3].some((number) => cluster.log(`gateway-${number}`).includes(`origin-refused origin="${FOREIGN}"`)));
        await browser.close();
    });

    await step("long-polling alone, each request to another gateway, keeps the order", async () => {
        const options = { transports: ["polling"] };
        const ana = await cluster.connect({ user: "ana", gateway: proxy.url, options });
        const luis = await cluster.connect({ user: "luis", gateway: proxy.url, options });
        for (let i = 0; i < 200; i++) {
            ana.send("luis", i);
        }
        await ana.sendStored("luis", 200);
        assert.deepEqual((await luis.receive(201)).map(({ mensaje }) => mensaje), [...Array(201).keys()]);
        [ana, luis].forEach((client) => client.close());
    });

    await step("messages larger than the window go both ways, binary too", async () => {
        const picture = Buffer.alloc(200000, "picture");
        for (const transports of [["polling"], ["polling", "websocket"]]) {
            const eva = await cluster.connect({ user: "eva", gateway: proxy.url, options: { transports } });
            await waitFor("the last transport", () => eva.socket.io.engine.transport.name === transports.at(-1));
            await eva.sendStored("eva", { picture });
            await eva.sendStored("eva", "x".repeat(200000));
            const [first, second] = await eva.receive(2);
            assert.ok(first.mensaje.picture.equals(picture));
            assert.equal(second.mensaje.length, 200000);
            eva.close();
        }
        await noneLeft();
    });

    await step("a poll whose client dies at another gateway ends the session at once", async () => {
        const sid = await pollingSession(urls, cookie("zoe"));
        const poll = http.get(`${urls[1]}/socket.io/?EIO=4&transport=polling&sid=${sid}`, { agent: false });
        poll.on("error", () => {});
        await waitFor("the poll is relayed", async () => await gauge("relayed") === 1);
        poll.destroy();
        await waitFor("the session is gone", async () => (await ask(urls[0], `transport=polling&sid=${sid}`)).status === 400);
        assert.deepEqual(await ask(urls[2], `transport=polling&sid=${sid}`), UNKNOWN);
    });

    await step("a relayed client that never reads is closed, and costs nobody anything", async () => {
        const sid = await pollingSession(urls, cookie("lento"));
        const { socket } = await upgrade(urls[1], sid);
        const writer = await cluster.connect({ user: "writer", rol: "admin", gateway: 3 });
        const before = await gauge("closed_slow");
        socket.pause();
        let sent = 0;
        await waitFor("closed as slow", async () => {
            await Promise.all(Array.from({ length: 20 }, () => writer.sendStored("lento", "x".repeat(20000), 30)));
            sent += 20;
            return await gauge("closed_slow") > before;
        }, 60);
        assert.ok(sent * 20000 > QUEUE, "not before its queue was full");
        await noneLeft();
        socket.terminate();
        writer.close();
    });

    await step("when a broker dies its relays go on over another one", async () => {
        const count = 48; // some of them lead over this broker
        const clients = await Promise.all(Array.from({ length: count }, (_, i) => cluster.connect({
            user: `b${i}`, gateway: proxy.url, options: { transports: ["polling", "websocket"].slice(0, 1 + i % 2) },
        })));
        await waitFor("the last transports", () => clients.every(({ socket }, i) =>
            socket.io.engine.transport.name === ["polling", "websocket"][i % 2]));
        assert.ok(await gauge("relayed") > 0);
        const before = await gauge("relay_moves_total");
        const talk = () => Promise.all(clients.map(async (client, i) => {
            for (let n = 0; n < 5; n++) {
                await client.sendStored(`b${(i + 1) % count}`, n);
            }
        }));
        const first = talk();
        await cluster.kill("broker-1");
        await first;
        await talk();
        const twice = [0, 1, 2, 3, 4, 0, 1, 2, 3, 4];
        for (const client of clients) {
            assert.deepEqual((await client.receive(10)).map(({ mensaje }) => mensaje), twice);
            assert.equal(client.disconnected, null);
        }
        assert.ok(await gauge("relay_moves_total") > before);
        clients.forEach((client) => client.close());
        await cluster.startNodes("broker-1");
        await noneLeft();
        await waitFor("all that was sent is got", async () => await gauge("relay_kept_bytes") === 0);
    });

    await step("when the gateway of a session dies the answer is `Session ID unknown`, soon", async () => {
        const sid = await pollingSession(urls, cookie("huerfana"));
        const other = await pollingSession(urls, cookie("huerfana2"));
        const { socket } = await upgrade(urls[2], other);
        const closed = new Promise((resolve) => socket.once("close", resolve));
        const poll = ask(urls[1], `transport=polling&sid=${sid}`);
        await waitFor("both are relayed", async () => await gauge("relayed") === 2);
        await cluster.kill("gateway-1");
        assert.deepEqual(await poll, UNKNOWN);
        await within("the WebSocket is closed", closed);
        for (const url of urls.slice(1)) {
            assert.deepEqual(await ask(url, `transport=polling&sid=${sid}`), UNKNOWN);
        }
        await noneLeft();
    });
    proxy.stop();
});

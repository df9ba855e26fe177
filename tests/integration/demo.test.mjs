// The demo page in a real Chromium: windows of one browser, which share their cookies, are different people. The second gateway
// has another path for Engine.IO, and is told where the client scripts are; the first one finds them.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { chromium } from "playwright-core";
import { httpGet } from "./lib/client.mjs";
import { clusterTest, ROOT } from "./lib/cluster.mjs";
import { SCALE, waitFor } from "./lib/wait.mjs";

const DIST = join(ROOT, "node_modules/socket.io-client/dist");
const SCRIPTS = ["socket.io.js", "socket.io.min.js", "socket.io.esm.min.js", "socket.io.msgpack.min.js"];
const SHOTS = join(ROOT, "run/screenshots");

clusterTest("demo", {
    gateways: 2, brokers: 1, persisters: 1,
    settings: ["gateway.demo=true", "gateway-2.eio.path=/chat/", `gateway-2.client.dir=${DIST}`],
}, async (cluster, step, t) => {
    const browser = await chromium.launch({
        executablePath: process.env.ROOMCAST_CHROMIUM || "/usr/bin/chromium",
        args: process.getuid() === 0 ? ["--no-sandbox"] : [], // Chromium's sandbox refuses root
    });
    t.after(() => browser.close());
    const context = await browser.newContext({ viewport: { width: 1100, height: 720 } });
    context.setDefaultTimeout(15000 * SCALE);
    const errors = []; // what the pages' scripts complained of
    mkdirSync(SHOTS, { recursive: true });

    const connected = (page) => page.waitForSelector("#state[data-state=on]");
    const shot = (page, name) => page.screenshot({ path: join(SHOTS, `${name}.png`) });
    const lines = (page) => page.locator("#log .what").allTextContents();
    async function enter(gateway, user, rol) {
        const page = await context.newPage();
        page.on("pageerror", (error) => errors.push(`${user}: ${error}`));
        page.on("dialog", (dialog) => errors.push(`${user}: dialog ${dialog.message()}`));
        await page.goto(`${cluster.url(gateway)}/demo`);
        await page.getByLabel("Name").fill(user);
        await page.locator(`input[value=${rol}]`).check();
        await page.getByRole("button", { name: "Connect" }).click();
        await connected(page);
        return page;
    }
    async function write(page, text) {
        await page.getByLabel("Message", { exact: true }).fill(text);
        await page.getByRole("button", { name: "Send" }).click();
        await page.locator("#log li").filter({ hasText: text }).filter({ hasText: "stored" }).waitFor();
    }

    const scriptsAt = [`${cluster.url(1)}/socket.io/`, `${cluster.url(2)}/chat/`];

    await step("every gateway serves npm's client scripts and their maps, plain and by gzip", async () => {
        for (const url of scriptsAt.flatMap((at) => SCRIPTS.flatMap((name) => [at + name, `${at}${name}.map`]))) {
            const bytes = readFileSync(join(DIST, url.split("/").pop()));
            const plain = await httpGet(url);
            assert.equal(plain.status, 200, url);
            assert.ok(plain.body.equals(bytes), `${url} is npm's file`);
            assert.match(plain.headers["content-type"], url.endsWith(".map") ? /^application\/json/ : /^application\/javascript/);
            const zipped = await httpGet(`${url}?v=1`, null, { headers: { "accept-encoding": "gzip" } });
            assert.equal(zipped.headers["content-encoding"], "gzip", url);
            assert.ok(gunzipSync(zipped.body).equals(bytes), `${url} unpacks to npm's file`);
        }
    });

    await step("a client script is known by its tag at every gateway, and a name that is none goes to Engine.IO", async () => {
        const [url, other] = scriptsAt.map((at) => `${at}socket.io.js`);
        const head = await httpGet(url, null, { method: "HEAD" });
        assert.equal(head.headers["content-length"], String(statSync(join(DIST, "socket.io.js")).size));
        assert.equal(head.body.length, 0);
        const known = await httpGet(other, null, { headers: { "if-none-match": `W/${head.headers.etag}` } });
        assert.equal(known.status, 304);
        assert.equal(known.headers.etag, head.headers.etag);
        assert.equal((await httpGet(url, null, { method: "POST" })).status, 405);
        assert.equal((await httpGet(`${scriptsAt[0]}socket.io.mjs`)).json.code, 0);
    });

    await step("a page loads them, as a script and as a module", async () => {
        const page = await context.newPage();
        await page.goto(`${cluster.url(1)}/demo`);
        await page.evaluate("delete window.io"); // the demo's own
        await page.addScriptTag({ url: "/socket.io/socket.io.js" });
        assert.equal(await page.evaluate("typeof io.Manager"), "function");
        assert.equal(await page.evaluate("import('/socket.io/socket.io.esm.min.js').then(({ protocol }) => protocol)"), 5);
        await page.close();
    });

    const ana = await enter(1, "ana", "user");
    const root = await enter(2, "root", "admin");
    const eva = await enter(1, "eva", "user");

    await step("a user and an admin chat in two windows, on two gateways", async () => {
        assert.equal(await ana.locator("#node").textContent(), "gateway-1");
        assert.equal(await root.locator("#node").textContent(), "gateway-2");
        await write(ana, "I cannot log in <img src=x onerror=alert(1)>");
        await root.getByRole("button", { name: "ana" }).click();
        await root.locator("#log li").filter({ hasText: "ana to admin" }).waitFor();
        assert.deepEqual(await lines(root), ["I cannot log in <img src=x onerror=alert(1)>"]);
        await write(root, "Try the new password");
        await ana.locator("#log li").filter({ hasText: "Try the new password" }).waitFor();
        assert.equal((await lines(eva)).length, 0, "an admin's answer is private");
    });

    await step("an admin sees who wrote, and how much of it is new", async () => {
        await write(eva, "Me too");
        await write(eva, "Hello?");
        await root.getByRole("button", { name: "eva 2 new" }).waitFor();
        await shot(root, "demo-admin");
        await root.getByRole("button", { name: "eva" }).click();
        await waitFor("both messages", async () => (await lines(root)).join() === "Me too,Hello?");
    });

    await step("a window keeps its person and its history over a reload", async () => {
        await ana.reload();
        await connected(ana);
        await waitFor("the history", async () => (await lines(ana)).length === 2);
        assert.equal(await ana.locator("#me-name").textContent(), "ana");
        await shot(ana, "demo-user");
    });

    await step("a window is the same person after its gateway was restarted and its cookies were lost", async () => {
        await cluster.kill("gateway-1");
        await ana.waitForSelector("#state:not([data-state=on])");
        await context.clearCookies();
        await cluster.startNodes("gateway-1");
        await connected(ana);
        await connected(eva);
        await write(ana, "Still ana");
        await root.getByRole("button", { name: "ana" }).click();
        await root.locator("#log li").filter({ hasText: "Still ana" }).filter({ hasText: "ana to admin" }).waitFor();
    });

    await step("a long history comes in pages", async () => {
        const luis = await cluster.connect({ user: "luis", gateway: 2, options: { path: "/chat/" } });
        await Promise.all(Array.from({ length: 120 }, (_, n) => luis.ask({ para: "admin", mensaje: n })));
        luis.close();
        await root.getByRole("button", { name: "luis" }).click();
        await waitFor("the newest", async () => (await lines(root)).join() === Array.from({ length: 50 }, (_, n) => n + 70).join());
        for (const count of [100, 120]) {
            await root.getByRole("button", { name: "Load older" }).click();
            await waitFor("an older page", async () => (await lines(root)).length === count);
        }
        assert.equal((await lines(root)).join(), Array.from({ length: 120 }, (_, n) => n).join());
        assert.equal(await root.getByRole("button", { name: "Load older" }).count(), 0);
    });

    await step("it fits a small, dark screen", async () => {
        await eva.emulateMedia({ colorScheme: "dark" });
        await eva.setViewportSize({ width: 400, height: 700 });
        assert.ok(await eva.evaluate(() => document.documentElement.scrollWidth <= innerWidth), "nothing sticks out");
        await shot(eva, "demo-small");
    });

    await step("no script failed, and no message became a script", () => {
        assert.deepEqual(errors, []);
    });
});

// What operators do with a store: look at it, export and import it, copy it while it runs, restore it, verify it.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { copyFileSync, existsSync, openSync, readFileSync, readdirSync, rmSync, truncateSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { httpGet } from "./lib/client.mjs";
import { BIN, clusterTest, freeBasePort, makeDirectory, run } from "./lib/cluster.mjs";
import { SCALE, waitFor } from "./lib/wait.mjs";

const dir = makeDirectory(); // of what the test makes beside the cluster
process.on("exit", () => rmSync(dir, { recursive: true, force: true }));
const at = (...names) => join(dir, ...names);
const tool = (...args) => run(join(BIN, "roomcast-persister"), args);
const parse = (text) => text.split("\n").filter(Boolean).map((line) => JSON.parse(line));

const TOKEN = "a token for operators, long enough to be one";
const settings = ["broker.store.ack_quorum=all", `persister.backup.dir=${dir}`];
const texts = ["hola", null, { a: [1, 2.50, "ñ \u2028 \"'"], b: { c: true } }, "two\nlines", 12345678901234567890n.toString(), ""];

// A page is 256 messages of a transaction, 2048 of an answer.
const MANY = 2200, AT_ONCE = 200;

/** Runs a persister that no broker knows on a directory, while `work(ctl)` reads it. */
async function alone(cluster, data, work) {
    const port = await freeBasePort();
    const args = { "node.id": "alone", "data.dir": data, "admin.listen": `127.0.0.1:${port}`, "cluster.listen": `127.0.0.1:${port + 1}`,
        "cluster.brokers": `broker-9=127.0.0.1:${port + 2}`, "cluster.secret_file": cluster.description.cluster_secret_file };
    const child = spawn(join(BIN, "roomcast-persister"), Object.entries(args).map(([name, value]) => `--${name}=${value}`),
        { stdio: ["ignore", "ignore", "pipe"] });
    const ended = new Promise((done) => child.on("exit", done));
    let said = "";
    child.stderr.on("data", (piece) => { said += piece; });
    try {
        await waitFor(`a persister on ${data} answers; it said ${said}`, () => httpGet(`http://127.0.0.1:${port}/healthz`).catch(() => false));
        return await work((...rest) => run(join(BIN, "roomcastctl"), ["--node", `127.0.0.1:${port}`, ...rest]));
    } finally {
        child.kill("SIGTERM");
        assert.equal(await ended, 0, said);
    }
}

async function must(result) {
    const { code, stdout, stderr } = await result;
    assert.equal(code, 0, stdout + stderr);
    return stdout;
}

async function refused(result, code, pattern) {
    const out = await result;
    assert.match(out.stderr, pattern, out.stdout);
    assert.equal(out.code, code, out.stderr);
}

async function body(cluster, step) {
    const sent = [];
    const luis = await cluster.connect({ user: "luis" });
    const jefe = await cluster.connect({ user: "jefe", rol: "admin" });
    const say = async (client, de, para, mensaje) => {
        await client.sendStored(para, mensaje);
        sent.push(JSON.stringify([de, para, de === "jefe", mensaje]));
    };
    for (const text of texts) {
        await say(luis, "luis", "jefe", text);
        await say(jefe, "jefe", "luis", text);
    }
    for (let i = 0; i < MANY; i += AT_ONCE) {
        await Promise.all(Array.from({ length: AT_ONCE }, (_, k) => say(luis, "luis", "ana", i + k)));
    }
    const view = (rows) => rows.map(({ de, para, de_admin, mensaje }) => JSON.stringify([de, para, de_admin, JSON.parse(mensaje)]));
    const sorted = (list) => [...list].sort();
    let exported;

    await step("an export has everything that was sent, in the order of its keys, and can be cut anywhere", async () => {
        exported = await must(cluster.ctl("export", "persister-1"));
        const rows = parse(exported);
        assert.deepEqual(sorted(view(rows)), sorted(sent));
        const times = rows.map(({ key }) => Number(key.split("/")[0]));
        assert.deepEqual(times, [...times].sort((a, b) => a - b));
        assert.equal(await must(cluster.ctl("export", "persister-2")), exported, "the same from another persister");
        const lines = exported.split("\n");
        assert.equal(await must(cluster.ctl("export", "--after", rows[9].key)), lines.slice(10).join("\n"));
        const from = times[4], to = times.at(-1);
        assert.equal(await must(cluster.ctl("export", "--from", String(from), "--to", new Date(to).toISOString())),
            lines.filter((_, i) => times[i] >= from && times[i] < to).map((line) => `${line}\n`).join(""));
        assert.deepEqual(view(parse(await must(cluster.ctl("export", "--user", "jefe")))), view(rows.slice(0, 2 * texts.length)));
    });

    await step("history shows the newest, and what is before and after a key", async () => {
        const lines = exported.trimEnd().split("\n");
        const show = async (...args) => (await must(cluster.ctl("history", "-o", "json", ...args))).trimEnd().split("\n");
        const key = (i) => JSON.parse(lines.at(i)).key;
        assert.deepEqual(await show("--limit", "700"), lines.slice(-700));
        assert.deepEqual(await show("--limit", "3", "--before", key(-3)), lines.slice(-6, -3));
        assert.deepEqual(await show("--limit", "3", "--after", key(2)), lines.slice(3, 6));
        assert.deepEqual(await show("--limit", "2", "--user", "jefe"), lines.slice(2 * texts.length - 2, 2 * texts.length));
        const table = await must(cluster.ctl("history", "--limit", "1", "--user", "jefe"));
        assert.match(table, /^\d{4}-.*Z {2}(jefe \(admin\) > luis|luis > jefe) {2}"" {2}\d+\/gateway-1\/\d+\/\d+\n$/);
        await refused(cluster.ctl("history", "--before", "x"), 64, /must be keys/);
        await refused(cluster.ctl("history", "nobody"), 64, /no persister nobody is known/);
        await refused(cluster.ctl("export", "--limit", "3"), 64, /--limit is for history/);
        const { status } = await httpGet(`http://${cluster.node("persister-1").admin}/history`);
        assert.equal(status, 401, "without the token nothing is shown");
    });

    await step("an import makes the same history, and twice changes nothing", async () => {
        const file = at("export.jsonl"), data = at("imported");
        writeFileSync(file, exported);
        assert.match(await must(tool("--import", file, "--data.dir", data)), new RegExp(`stored=${sent.length} known=0 `));
        assert.match(await must(tool("--import", file, "--data.dir", data)), new RegExp(`stored=0 known=${sent.length} `));
        assert.match(await must(tool("--check-store", "--data.dir", data)), new RegExp(`is whole: ${sent.length} messages, 2 users`));
        assert.equal(await alone(cluster, data, (ctl) => must(ctl("export"))), exported);
    });

    await step("a wrong line is told with its number and its reason", async () => {
        const [first, second, third] = exported.split("\n"), file = at("broken.jsonl"), data = at("broken");
        writeFileSync(file, `${first}\n${second.replace(/"key":"\d+/, '"key":"x')}\n{"key":\n${third}\n`);
        await refused(tool("--import", file, "--data.dir", data), 65, /broken\.jsonl:2: "key" must be .*\n.*stopped/);
        const skipped = await tool("--import", file, "--data.dir", data, "--import.skip");
        assert.match(skipped.stdout, /lines=4 stored=1 known=1 forgotten=0 bad=2/);
        assert.match(skipped.stderr, /broken\.jsonl:3: it is no JSON/);
        assert.equal(skipped.code, 65);
    });

    await step("a backup under load has what was acknowledged before it, and a restored persister gets the rest", async () => {
        const acknowledged = [...sent];
        let more = true;
        const load = (async () => {
            for (let i = 0; more; i++) {
                await say(luis, "luis", "ana", `load ${i}`);
            }
        })();
        const said = await must(cluster.ctl("backup", "persister-1", "night.backup"));
        assert.match(said, /^persister-1: .*night\.backup: \d+ bytes in [\d.]+ s\n$/);
        const enough = sent.length + 20;
        await waitFor("the load goes on", () => sent.length > enough);
        more = false;
        await load;
        await cluster.kill("persister-1", "TERM");
        const data = cluster.node("persister-1").data;
        await refused(tool("--restore", at("night.backup"), "--data.dir", data), 73, /is not empty/);
        const before = await must(tool("--check-store", "--data.dir", data));
        rmSync(data, { recursive: true });
        assert.match(await must(tool("--restore", at("night.backup"), "--data.dir", data)), /\d+ messages of .*night\.backup/);
        assert.match(await must(tool("--check-store", "--data.dir", data)), /is whole/);
        const restored = view(parse(await alone(cluster, data, (ctl) => must(ctl("export")))));
        const has = new Set(restored);
        assert.deepEqual(acknowledged.filter((message) => !has.has(message)), []);
        assert.ok(restored.length <= sent.length);
        await cluster.startNodes("persister-1");
        await waitFor("it has all", async () => await cluster.metric("persister-1", "store_rows") === sent.length);
        assert.match(before, new RegExp(`${sent.length} messages`));
        assert.equal(await must(cluster.ctl("export", "persister-1")), await must(cluster.ctl("export", "persister-2")));
    });

    await step("no backup is made where none may be", async () => {
        await refused(cluster.ctl("backup", "persister-1", "night.backup"), 73, /night\.backup is not written over: File exists/);
        for (const name of ["../x", "/tmp/x", "a/b", ".hidden", "", `${dir}/../x`]) {
            await refused(cluster.ctl("backup", "persister-1", name), 73, /give the name of a file in backup\.dir/);
        }
        await must(cluster.ctl("backup", "persister-1", at("whole-path.backup")));
        await refused(cluster.ctl("backup", "gateway-1", "x"), 64, /no persister gateway-1/);
        const data = cluster.node("persister-1").data;
        for (const args of [["--backup", at("x")], ["--check-store"], ["--import", at("export.jsonl")]]) {
            await refused(tool(...args, "--data.dir", data), 73, /is in use by process \d+/);
        }
        await refused(tool("--backup", at("x"), "--check-store", "--data.dir", data), 78, /give one of --backup/);
        const mounts = (command) => ["-rm", "sh", "-c", `mkdir -p ${at("small")} && mount -t tmpfs -o size=128k none ${at("small")} && ${command}`];
        if (spawnSync("unshare", mounts("true")).status === 0) {
            const command = `${join(BIN, "roomcast-persister")} --backup ${at("small/x")} --data.dir ${at("imported")}; code=$?; ls ${at("small")}; exit $code`;
            const full = await run("unshare", mounts(command));
            assert.deepEqual([full.code, full.stdout], [73, ""], full.stderr);
            assert.match(full.stderr, /small\/x: the disk is full/);
        }
        assert.deepEqual(readdirSync(dir).filter((name) => name.endsWith(".tmp")), []);
    });

    await step("a damaged backup, or store, is found out", async () => {
        const good = at("night.backup"), bad = at("bad.backup");
        const size = readFileSync(good).length;
        const damage = (name, offset, bytes) => {
            const fd = openSync(name, "r+");
            writeSync(fd, bytes, 0, bytes.length, offset);
        };
        const restore = (pattern) => refused(tool("--restore", bad, "--data.dir", at("restored")), 65, pattern);
        copyFileSync(good, bad);
        damage(bad, 3 * 4096 + 100, Buffer.from([0x5a, 0xa5, 0x5a, 0xa5]));
        await restore(/bad\.backup: its checksum is wrong/);
        copyFileSync(good, bad);
        truncateSync(bad, size - 5000);
        await restore(/bad\.backup: it is no backup, or its end is missing/);
        await refused(tool("--restore", at("none"), "--data.dir", at("restored")), 65, /cannot be read: No such file/);
        assert.deepEqual(readdirSync(at("restored")), []);

        const store = at("imported"), data = join(store, "data.mdb"), whole = readFileSync(data);
        const checked = (pattern) => refused(tool("--check-store", "--data.dir", store), 73, pattern);
        truncateSync(data, 4096 * 8);
        await checked(/is broken|cannot be/);
        for (const seed of [1, 2, 3, 4]) {
            writeFileSync(data, whole); // zeros over a quarter of its pages
            for (let page = 1 + seed; page < whole.length / 4096; page += 4) {
                damage(data, page * 4096, Buffer.alloc(4096));
            }
            await checked(/is broken|holds no whole store/);
        }
        writeFileSync(data, whole);
        await must(tool("--check-store", "--data.dir", store));
        await refused(tool("--check-store", "--data.dir", at("nothing")), 73, /holds no store/);
        assert.ok(!existsSync(at("nothing")));
    });
    [luis, jefe].forEach((client) => client.close());
}

// Brokers need times.list_lease after each start; with the times of a sanitizer's run that is a minute in all.
if (SCALE > 1 && !process.env.ROOMCAST_TEST_FULL) {
    test("backup", { skip: "with ROOMCAST_TEST_FULL only" });
} else {
    clusterTest("backup", { gateways: 1, brokers: 1, persisters: 2, settings, adminToken: TOKEN }, body);
}

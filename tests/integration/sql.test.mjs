// roomcast-persister --sql: every message is in table mensajes once, whoever of database, persister and this process goes away
// in between, and no acknowledgement ever waits for it.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createWriteStream, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { httpGet } from "./lib/client.mjs";
import { BIN, clusterTest, run } from "./lib/cluster.mjs";
import { Postgres } from "./lib/postgres.mjs";
import { SCALE, waitFor } from "./lib/wait.mjs";

const PASSWORD = "secreto%de la base";
const STRANGE = `o'neil "el\\de" ñ 😀`; // a user's name that needs care in SQL
const FULL = SCALE === 1 || Boolean(process.env.ROOMCAST_TEST_FULL);

/** A process with --sql, beside a cluster. */
class Follower {
    constructor(cluster, name, settings, env = {}) {
        this.name = name;
        this.log = join(cluster.dir, "logs", `${name}.log`);
        const persisters = cluster.nodes.filter(({ role }) => role === "persister");
        const options = {
            "node.id": name, "admin.listen": "127.0.0.1:0", "times.scale": 100 * SCALE,
            "cluster.secret_file": cluster.description.cluster_secret_file,
            "cluster.brokers": cluster.nodes.filter(({ role }) => role === "broker").map((n) => `${n.name}=${n.link}`).join(),
            "sql.persisters": persisters.map((n) => `${n.name}=${n.link}`).join(), ...settings,
        };
        this.args = Object.entries(options).map(([option, value]) => `--${option}=${value}`);
        this.env = { ...process.env, ...env };
    }

    start() {
        this.child = spawn(join(BIN, "roomcast-persister"), this.args, { env: this.env, stdio: ["ignore", "ignore", "pipe"] });
        this.child.stderr.pipe(createWriteStream(this.log, { flags: "a" }));
        this.ended = new Promise((resolve) => { this.child.once("exit", (code, signal) => resolve(code ?? signal)); });
        started.push(this);
        return this;
    }

    text() {
        return readFileSync(this.log, "utf8");
    }

    async end(signal = "SIGTERM") {
        this.child.kill(signal);
        return this.ended;
    }
}
const started = [];
process.on("exit", () => started.forEach(({ child }) => child.kill("SIGKILL")));

async function withPostgres(cluster, step, postgres) {
    const passwordFile = join(cluster.dir, "sql.password");
    writeFileSync(passwordFile, PASSWORD + "\n", { mode: 0o600 });
    const good = { sql: postgres.url(), "sql.password_file": passwordFile };
    const statusOf = async (name) => {
        const { nodes } = JSON.parse((await cluster.ctl("status", "-o", "json")).stdout);
        return nodes.find((node) => node.name === name && node.up);
    };
    const awaitState = (name, ...states) => waitFor(`${name} is ${states}`, async () => {
        const status = await statusOf(name);
        assert.ok(states.includes(status.state), status.state);
        return status;
    });
    const client = await cluster.connect({ user: "luis" });
    let sent = 0;
    const say = (n) => Promise.all(Array.from({ length: n }, () => client.sendStored("ana", { n: sent++ }, 20)));
    const rows = async () => Number(await postgres.query("SELECT count(*) FROM mensajes"));
    const complete = async () => {
        await waitFor("all rows are there", async () => await rows() === sent, 20);
        const [[keys, numbers]] = JSON.parse(await postgres.query(
            "SELECT json_agg(json_build_array(k, n)) FROM (SELECT count(DISTINCT clave) AS k," +
            " count(DISTINCT mensaje::json->>'n') AS n FROM mensajes) t"));
        assert.deepEqual([keys, numbers], [sent, sent]);
    };
    let follower = new Follower(cluster, "sql-1", good).start();

    await step("rows arrive once and whole, as history shows them", async () => {
        await waitFor("the first row", async () => {
            await say(1);
            return await rows() > 0;
        });
        await say(200);
        await client.sendStored(STRANGE, { n: sent++, bytes: Buffer.from([0, 255]) });
        await complete();
        const history = await Promise.all(["ana", STRANGE].map(async (user) => {
            return (await cluster.get(`/api/mensajes?con=${encodeURIComponent(user)}`, { user: "jefe", rol: "admin" })).json;
        }));
        const table = JSON.parse(await postgres.query("SELECT json_agg(t ORDER BY fecha, clave) FROM (SELECT de_usuario, para_usuario," +
            " mensaje, fecha, clave, id FROM mensajes) t"));
        const flat = (list) => list.map((row) => JSON.stringify(row)).sort();
        assert.deepEqual(
            flat(table.map((r) => [r.de_usuario, r.para_usuario, JSON.parse(r.mensaje), new Date(r.fecha).toISOString()])),
            flat(history.flat().map((r) => [r.de_usuario, r.para_usuario, r.mensaje, new Date(r.fecha).toISOString()])));
        assert.equal(new Set(table.map(({ id }) => id)).size, sent);
        assert.deepEqual(table.find((r) => r.para_usuario === STRANGE).mensaje, JSON.stringify({ n: sent - 1, bytes: { base64: "AP8=" } }));
    });

    await step("the status shows it, and how far it is behind", async () => {
        const status = await awaitState("sql-1", "serving");
        assert.deepEqual([status.role, status.lag, status.metrics.rows, status.metrics.connected], ["follower", 0, sent, 1]);
        assert.equal(await cluster.metric("persister", "followers"), 2);
        assert.ok(!follower.text().includes(PASSWORD));
    });

    await step("what is wrong is said clearly, and no password with it", async () => {
        await postgres.query("CREATE DATABASE other");
        await postgres.query("CREATE TABLE mensajes (id serial PRIMARY KEY, de_usuario varchar(50) NOT NULL, para_usuario text," +
            " mensaje text, fecha timestamptz, clave text UNIQUE)", "other");
        const wrong = [
            [{ ...good, sql: postgres.url("other") }, "refused", /column de_usuario of table mensajes is character varying\(50\), it must be text/],
            [{ sql: postgres.url("postgres", "boss:guess%25work") }, "refused", /password authentication failed for user/],
            [{ ...good, sql: "postgresql://boss@127.0.0.1:9/db" }, "unreachable", /Connection refused/],
        ];
        for (const [i, [settings, state, reason]] of wrong.entries()) {
            const other = new Follower(cluster, `sql-wrong-${i}`, settings).start();
            const status = await awaitState(other.name, state);
            await waitFor("it sees how long the log is", async () => (await statusOf(other.name)).lag >= sent);
            const ready = await httpGet(`http://${status.admin}/readyz`);
            assert.equal(ready.status, 503);
            assert.match(ready.text, reason);
            assert.match(other.text(), reason);
            assert.equal(await other.end(), 0);
            assert.doesNotMatch(other.text(), /secreto|guess/);
        }
        const { code, stderr } = await run(join(BIN, "roomcast-persister"),
            [...follower.args, "--sql=postgresql://boss:guess%zz@localhost/db", "--check-config"]);
        assert.equal(code, 78);
        assert.match(stderr, /sql: the URL is not a URL/);
        assert.doesNotMatch(stderr, /guess/);
    });

    await step("of two processes with one name the newer one goes on", async () => {
        const newer = new Follower(cluster, "sql-1", good).start();
        assert.equal(await follower.ended, 78);
        assert.match(follower.text(), /twin .*another process with our node.id/);
        follower = newer;
        await say(10);
        await complete();
    });

    if (FULL) {
        await step("acknowledgements do not wait for a server that is frozen", async () => {
            await postgres.signal("STOP");
            await say(300);
            await waitFor("it writes and gets no answer", async () => (await statusOf("sql-1")).metrics.waiting_ms > 200);
            await postgres.signal("CONT");
            await complete();
        });

        await step("a server that is killed and started again misses nothing and gets nothing twice", async () => {
            for (const signal of process.env.ROOMCAST_TEST_FULL ? ["KILL", "INT"] : ["KILL"]) {
                await Promise.all([say(300), postgres.signal(signal)]);
                const { lag } = await awaitState("sql-1", "unreachable", "refused");
                await say(20);
                await waitFor("its lag grows", async () => (await statusOf("sql-1")).lag >= lag + 20);
                await postgres.resume();
                await complete();
            }
        });

        await step("it goes on from its cursor when it was killed itself", async () => {
            await Promise.all([say(300), follower.end("SIGKILL")]);
            await say(20);
            follower.start();
            await complete();
            const { metrics } = await awaitState("sql-1", "serving");
            assert.equal(metrics.rows_known, 0, "it read nothing twice");
            assert.ok(metrics.rows < sent);
        });

        await step("it goes on with another persister when its own dies", async () => {
            const [, followed] = /.*following persister=(\S+)/s.exec(follower.text());
            await Promise.all([say(300), cluster.kill(followed)]);
            await say(20);
            await complete();
            const { metrics } = await awaitState("sql-1", "serving");
            assert.deepEqual([metrics.persisters, metrics.switches], [1, 1]);
        });
    }
    assert.equal(await follower.end(), 0);
    assert.ok(!/Sanitizer|runtime error/.test(follower.text()), follower.text());
}

async function body(cluster, step) {
    const postgres = await starting;
    try {
        await withPostgres(cluster, step, postgres);
    } finally {
        await Promise.all(started.map((each) => each.end("SIGKILL")));
        await postgres.stop();
    }
}

const starting = Postgres.start(PASSWORD); // while the cluster starts
starting.catch(() => {});
clusterTest("sql", { gateways: 1, brokers: 1, persisters: 2, settings: ["broker.store.ack_quorum=1"] }, body);

/*
 * Integration tests stand on this. A test has a cluster of real processes on free loopback ports in a directory of its own:
 *
 *   import assert from "node:assert/strict";
 *   import { clusterTest } from "./lib/cluster.mjs";
 *
 *   clusterTest("chat", { gateways: 2, settings: ["gateway.eio.ping_interval=1000"] }, async (cluster, step) => {
 *       await step("user to user across gateways", async () => {
 *           const ana = await cluster.connect({ user: "ana", gateway: 1 });
 *           const luis = await cluster.connect({ user: "luis", gateway: 2 });
 *           await ana.sendStored("luis", "hola");              // returns when it is stored
 *           assert.deepEqual(await luis.receive(1), [{ de: "ana", mensaje: "hola" }]);
 *       });
 *   });
 *
 * A step is a subtest; a failed one does not stop the others. When the test is over, passed or not, its clients are closed and
 * the cluster is taken down; it fails also when a node's log holds a report of a sanitizer, or a node ended in another way than
 * the test wanted. The directory stays, and the ends of the logs are shown, only when it failed.
 *
 * Environment: ROOMCAST_BIN (programs under test, default build/bin), ROOMCAST_TEST_SCALE (percent, 500 under sanitizers: the
 * cluster's times.scale, and all waiting here). Works with Node.js 18.
 */
import { execFile, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { Client, httpGet } from "./client.mjs";
import { makeToken } from "./token.mjs";
import { SCALE } from "./wait.mjs";

export const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), "../../..");
export const BIN = resolve(process.env.ROOMCAST_BIN || join(ROOT, "build/bin"));
const REPORT = /(ERROR|WARNING): \w+Sanitizer|SUMMARY: \w+Sanitizer|runtime error: |DEADLYSIGNAL/;

// Without the leak check: it stops every thread by ptrace when a daemon ends, and now and then waits for one of nng's, which are
// still there then, for good. Leaks are looked for in unit tests and the simulation.
process.env.ASAN_OPTIONS = `${process.env.ASAN_OPTIONS ?? "halt_on_error=1:exitcode=99"}:detect_leaks=0`;
process.env.UBSAN_OPTIONS ??= "halt_on_error=1:exitcode=99:print_stacktrace=1";
process.env.TSAN_OPTIONS ??= `halt_on_error=1:exitcode=99:suppressions=${join(ROOT, "tests/tsan.supp")}`;

/** Runs a program to its end: {code, stdout, stderr}; code is a signal's name when one ended it, so at the time limit. */
export function run(program, args, { env = {}, seconds = 60 } = {}) {
    return new Promise((done) => {
        const options = { env: { ...process.env, ...env }, timeout: seconds * 1000 * SCALE, killSignal: "SIGKILL" };
        execFile(program, args, { ...options, maxBuffer: 1 << 26 }, (error, stdout, stderr) => {
            done({ code: error ? error.signal ?? error.code : 0, stdout, stderr });
        });
    });
}

const LOCAL_CLUSTER = join(ROOT, "deploy/local-cluster");

async function must(result, what) {
    const { code, stdout, stderr } = await result;
    if (code !== 0) {
        throw new Error(`${what} ended with ${code}: ${stdout}${stderr}`);
    }
    return stdout;
}

function canListen(port) {
    return new Promise((resolve) => {
        const server = net.createServer();
        server.on("error", () => resolve(false));
        server.listen({ host: "127.0.0.1", port, exclusive: true }, () => server.close(() => resolve(true)));
    });
}

/**
 * A base port for a cluster of up to five nodes a role, at random; ports above 32767 are given to outgoing connections.
 * Somebody else may take it before it is used.
 */
export async function freeBasePort() {
    for (;;) {
        const base = 10000 + 200 * Math.floor(Math.random() * 110);
        const ports = [0, 25, 50, 75, 100, 125, 150, 175].flatMap((block) => [0, 1, 2, 3, 4].map((n) => base + block + n));
        if ((await Promise.all(ports.map(canListen))).every(Boolean)) {
            return base;
        }
    }
}

export function makeDirectory() {
    return mkdtempSync(join(tmpdir(), "roomcast-"));
}

export class Cluster {
    /**
     * Prefer clusterTest. options: gateways, brokers, persisters (counts), settings (as --set takes them), jwtSecret, adminToken
     * (the operator token of all nodes), env (the environment of the nodes, beside this one), within (a command, with its
     * arguments, that all nodes are started by: see lib/mounts.mjs).
     */
    static async start(options = {}) {
        const cluster = new Cluster(makeDirectory(), options);
        const counts = ["gateways", "brokers", "persisters"].filter((role) => options[role] !== undefined)
            .flatMap((role) => [`--${role}`, String(options[role])]);
        const secret = options.jwtSecret === undefined ? [] : ["--jwt-secret", options.jwtSecret];
        const settings = [`all.times.scale=${100 * SCALE}`, ...cluster.adminSettings(), ...(options.settings ?? [])]
            .flatMap((text) => ["--set", text]);
        running.add(cluster);
        for (let tries = 1; ; tries++) {
            const { code, stdout, stderr } = await cluster.local("up", "--base-port", String(await freeBasePort()), ...counts, ...secret, ...settings);
            if (code === 0) {
                return cluster;
            }
            if (tries === 10 || !/ is in use/.test(stderr)) {
                running.delete(cluster);
                throw new Error(`the cluster in ${cluster.dir} did not start: ${stdout}${stderr}`);
            }
        }
    }

    constructor(dir, { adminToken = null, env = {}, within = [] } = {}) {
        Object.assign(this, { dir, adminToken, env, within });
        this.clients = [];
        this.wantedExits = new Map(); // name of a node -> exit code that the test is responsible for
    }

    /** Runs deploy/local-cluster on this directory. */
    local(...args) {
        const [program, ...before] = [...this.within, LOCAL_CLUSTER];
        return run(program, [...before, ...args, "--dir", this.dir], { env: this.env, seconds: 120 });
    }

    get adminTokenFile() {
        return join(this.dir, "admin.token");
    }

    /** Writes the operator token, if there is to be one, and returns the settings that name it. */
    adminSettings() {
        if (this.adminToken === null) {
            return [];
        }
        writeFileSync(this.adminTokenFile, this.adminToken, { mode: 0o600 });
        return [`all.admin.token_file=${this.adminTokenFile}`];
    }

    /** cluster.json as it is now. */
    get description() {
        return JSON.parse(readFileSync(join(this.dir, "cluster.json"), "utf8"));
    }

    get nodes() {
        return this.description.nodes;
    }

    node(name) {
        return this.nodes.find((node) => node.name === name);
    }

    /** The client URL of a gateway, by number or name. */
    url(gateway = 1) {
        return this.node(typeof gateway === "number" ? `gateway-${gateway}` : gateway).url;
    }

    get jwtSecret() {
        return readFileSync(this.description.jwt_secret_file, "utf8").replace(/\n$/, "");
    }

    /** A good token for these claims: user, name, rol, exp... */
    token(claims) {
        return makeToken(claims, this.jwtSecret);
    }

    /**
     * A client that is not connected yet. gateway: number, name, or a URL. Without `cookie` it has a token for the claims
     * {user, name, rol, ...claims}; `cookie: null` sends no cookie header. options go to socket.io-client.
     */
    client({ user, name = user, rol = "user", claims = {}, gateway = 1, cookie, options } = {}) {
        const url = String(gateway).startsWith("http") ? gateway : this.url(gateway);
        const ours = () => `token=${this.token({ user, name, rol, ...claims })}`;
        const client = new Client(url, cookie === undefined ? ours() : cookie, options);
        this.clients.push(client);
        return client;
    }

    /** The same, connected. */
    async connect(who) {
        return this.client(who).connect();
    }

    /** GET on a gateway, with a token for the claims when there are any: see httpGet. */
    get(path, claims = null, gateway = 1) {
        return httpGet(this.url(gateway) + path, claims && `token=${this.token(claims)}`);
    }

    /** The status JSON of a node, by name. */
    async status(name) {
        const headers = this.adminToken === null ? {} : { authorization: `Bearer ${this.adminToken}` };
        const { status, json, text } = await httpGet(`http://${this.node(name).admin}/status`, null, { headers });
        if (status !== 200 || !json) {
            throw new Error(`${name} answered /status with ${status} ${text}`);
        }
        return json;
    }

    /** A metric of a node; of a role ("gateway"): the sum over its nodes that run. Throws when there is none of this name. */
    async metric(who, metric) {
        const nodes = this.nodes.filter((node) => node.name === who || (node.role === who && node.pid !== null));
        const values = await Promise.all(nodes.map(async ({ name }) => (await this.status(name)).metrics[metric]));
        if (values.length === 0 || values.includes(undefined)) {
            throw new Error(`no metric ${metric} at ${who}`);
        }
        return values.reduce((sum, value) => sum + value, 0);
    }

    /** The log of a node, as text. */
    log(name) {
        return readFileSync(this.node(name).log, "utf8");
    }

    /** Sends a signal to nodes ("KILL", "TERM", "STOP", "CONT"); after KILL and TERM they are gone when it returns. */
    async kill(names, signal = "KILL") {
        for (const name of [names].flat()) {
            this.wantedExits.set(name, signal === "KILL" ? 137 : 0);
        }
        await must(this.local("kill", ...[names].flat(), "--signal", signal), `kill ${names}`);
    }

    /** Starts nodes that do not run, together; they are ready when it returns. */
    async startNodes(names) {
        for (const name of [names].flat()) {
            this.wantedExits.delete(name);
        }
        await must(this.local("start", ...[names].flat()), `start ${names}`);
    }

    /** Stops the whole cluster and starts it again, with its ports and data. */
    async restart() {
        await must(this.local("down"), "down");
        this.wantedExits.clear();
        await this.startNodes(this.nodes.map((node) => node.name));
    }

    /** Runs roomcastctl against this cluster: {code, stdout, stderr}. */
    ctl(...args) {
        const token = this.adminToken === null ? [] : ["--token-file", this.adminTokenFile];
        return run(join(BIN, "roomcastctl"), ["--cluster", join(this.dir, "cluster.json"), ...token, ...args]);
    }

    /** Ends all; returns what went wrong with the processes, a list of sentences. */
    async stop() {
        this.clients.forEach((client) => client.close());
        const { code, stdout, stderr } = await this.local("down");
        running.delete(this);
        const wrong = code === 0 ? [] : [`down ended with ${code}: ${stdout}${stderr}`];
        for (const node of this.nodes) {
            const report = REPORT.exec(this.log(node.name));
            const wanted = this.wantedExits.get(node.name) ?? 0;
            if (report) {
                wrong.push(`${node.name} logged "${report[0]}"`);
            }
            if (node.exit !== wanted) {
                wrong.push(`${node.name} exited with code ${node.exit}, not ${wanted} (above 128: signal + 128)`);
            }
        }
        return wrong;
    }

    /** The ends of all logs, and the sanitizers' reports whole. */
    logEnds() {
        return this.nodes.map((node) => {
            const log = this.log(node.name);
            const at = log.search(REPORT);
            const text = at < 0 ? log.trimEnd().split("\n").slice(-25).join("\n") : log.slice(Math.max(0, at - 300), at + 6000);
            return `--- ${node.log}\n${text}`;
        }).join("\n");
    }

    remove() {
        rmSync(this.dir, { recursive: true, force: true });
    }
}

// Clusters that must not outlive this process, whatever ends it.
const running = new Set();
process.on("exit", () => {
    for (const cluster of running) {
        spawnSync(join(ROOT, "deploy/local-cluster"), ["down", "--dir", cluster.dir], { stdio: "ignore" });
    }
});
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    process.on(signal, () => process.exit(1));
}

/** A test with a cluster: see the top of this file. */
export function clusterTest(name, options, body) {
    test(name, async (t) => {
        const cluster = await Cluster.start(options);
        let failed = false;
        const step = (title, work) => t.test(title, async (s) => {
            try {
                await work(s);
            } catch (error) {
                failed = true;
                throw error;
            }
        });
        let wrong = [];
        try {
            await body(cluster, step, t);
        } catch (error) {
            failed = true;
            throw error;
        } finally {
            wrong = await cluster.stop();
            if (failed || wrong.length > 0) {
                t.diagnostic(`kept ${cluster.dir}`);
                process.stdout.write(cluster.logEnds().replace(/^/gm, "#   ") + "\n");
            } else {
                cluster.remove();
            }
        }
        if (wrong.length > 0) {
            throw new Error(wrong.join("; "));
        }
    });
}

// The systems that are compared: each starts on one processor, says where it listens and what its processes are, and ends.
import { execFile, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

export const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), "../../..");
const run = promisify(execFile);

/** The command, bound to a processor. */
export const pinned = (cpu, ...command) => ["taskset", "-c", String(cpu), ...command];

async function freePort() {
    const server = createServer();
    await once(server.listen(0, "127.0.0.1"), "listening");
    const { port } = server.address();
    server.close();
    return port;
}

async function stop(child) {
    if (child.exitCode === null && child.signalCode === null) {
        const ended = once(child, "close");
        child.kill("SIGTERM");
        await ended;
    }
}

function start(cpu, command, stdout) {
    const [program, ...args] = pinned(cpu, ...command);
    return spawn(program, args, { cwd: ROOT, stdio: ["ignore", stdout, "inherit"] });
}

/** A Roomcast cluster with so many persisters and these settings: {args of roomcast-bench, stop()}. */
function roomcast(persisters, ...settings) {
    return async (cpu) => {
        const dir = mkdtempSync(join(tmpdir(), "roomcast-compare-"));
        const sets = ["gateway.workers=1", ...settings].flatMap((setting) => ["--set", setting]);
        const [program, ...args] = pinned(cpu, "deploy/local-cluster", "up", "--dir", dir, "--base-port", "20080",
            "--gateways", "2", "--brokers", "3", "--persisters", String(persisters), ...sets);
        await run(program, args, { cwd: ROOT }).catch((error) => {
            rmSync(dir, { recursive: true, force: true });
            throw error;
        });
        return {
            args: ["--cluster", join(dir, "cluster.json")],
            async stop() {
                await run("deploy/local-cluster", ["down", "--dir", dir], { cwd: ROOT });
                rmSync(dir, { recursive: true, force: true });
            },
        };
    };
}

async function reference(cpu, secret, ...args) {
    const child = start(cpu, [process.execPath, "tests/load/reference/server.mjs", "--secret-file", secret, ...args], "pipe");
    const line = await createInterface({ input: child.stdout })[Symbol.asyncIterator]().next();
    if (line.done) {
        throw new Error("tests/load/reference/server.mjs did not start, see above; deploy/install-deps installs npm's packages");
    }
    return { child, url: JSON.parse(line.value).url };
}

async function redis(cpu) {
    const port = await freePort();
    const child = start(cpu, ["redis-server", "--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"],
        "ignore");
    child.on("error", () => {});
    for (let tries = 0; tries < 100; tries++) {
        if (await run("redis-cli", ["-p", String(port), "ping"]).then(() => true, () => false)) {
            return { child, url: `redis://127.0.0.1:${port}` };
        }
        await sleep(100);
    }
    throw new Error("redis-server did not start within 10 s; it is in Debian's package redis-server");
}

/** npm's Socket.IO on so many nodes, with the Redis adapter when there are several. */
function socketio(nodes) {
    return async (cpu) => {
        const dir = mkdtempSync(join(tmpdir(), "roomcast-compare-"));
        const secret = join(dir, "jwt.secret");
        writeFileSync(secret, randomBytes(32).toString("hex"), { mode: 0o600 });
        const adapter = nodes > 1 ? await redis(cpu) : null;
        const servers = [];
        for (let i = 0; i < nodes; i++) {
            servers.push(await reference(cpu, secret, ...(adapter ? ["--redis", adapter.url] : [])));
        }
        const children = [...servers.map(({ child }) => child), ...(adapter ? [adapter.child] : [])];
        return {
            args: ["--url", servers.map(({ url }) => url).join(","), "--secret_file", secret,
                "--pids", children.map(({ pid }) => pid).join(",")],
            async stop() {
                for (const child of children) {
                    await stop(child);
                }
                rmSync(dir, { recursive: true, force: true });
            },
        };
    };
}

export const SYSTEMS = {
    socketio: { name: "Socket.IO", start: socketio(1) },
    redis: { name: "Socket.IO + Redis, 2 nodes", start: socketio(2) },
    roomcast: { name: "Roomcast", start: roomcast(1) },
    routed: { name: "Roomcast, routed", start: roomcast(0, "broker.store.durability=routed") },
};

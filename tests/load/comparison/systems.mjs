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
export const BIN = resolve(process.env.ROOMCAST_BIN || join(ROOT, "build/bin"));
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

/** Starts a server that prints its URL as JSON. When it does not, `hint` says what may be missing. */
async function server(cpu, hint, ...command) {
    const child = start(cpu, command, "pipe");
    const line = await createInterface({ input: child.stdout })[Symbol.asyncIterator]().next();
    if (line.done) {
        throw new Error(`${command.join(" ")} did not start, see above; ${hint}`);
    }
    return { child, url: JSON.parse(line.value).url };
}

const reference = (cpu, secret, ...args) => server(cpu, "deploy/install-deps installs npm's packages",
    process.execPath, "tests/load/reference/server.mjs", "--secret-file", secret, ...args);

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

/** Servers that take the secret's file: start(cpu, secret) gives them, and the children beside them. */
function plain(startAll) {
    return async (cpu) => {
        const dir = mkdtempSync(join(tmpdir(), "roomcast-compare-"));
        const secret = join(dir, "jwt.secret");
        writeFileSync(secret, randomBytes(32).toString("hex"), { mode: 0o600 });
        const { servers, beside = [] } = await startAll(cpu, secret);
        const children = [...servers, ...beside].map(({ child }) => child);
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

const alone = async (cpu, secret) => ({ servers: [await reference(cpu, secret)] });

async function behindRedis(cpu, secret) {
    const adapter = await redis(cpu);
    const servers = [];
    for (let i = 0; i < 2; i++) {
        servers.push(await reference(cpu, secret, "--redis", adapter.url));
    }
    return { servers, beside: [adapter] };
}

const floor = async (cpu) =>
    ({ servers: [await server(cpu, "cmake --build --preset release builds it", join(BIN, "roomcast-floor"))] });

export const SYSTEMS = {
    socketio: { name: "Socket.IO", start: plain(alone) },
    redis: { name: "Socket.IO + Redis, 2 nodes", start: plain(behindRedis) },
    roomcast: { name: "Roomcast", start: roomcast(1) },
    routed: { name: "Roomcast, routed", start: roomcast(0, "broker.store.durability=routed") },
    floor: { name: "floor", start: plain(floor) },
};

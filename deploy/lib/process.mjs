// Starts, watches and ends the daemons of a local cluster. A process is known by its pid and its start time, so that a
// pid that went to somebody else is never signalled.
import { spawn } from "node:child_process";
import { closeSync, existsSync, openSync, readFileSync, rmSync } from "node:fs";
import http from "node:http";
import net from "node:net";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { listeners, Refusal } from "./layout.mjs";

const READY_MS = 60000; // a node that is not ready by then has failed
const STOP_MS = 10000; // a node that is there this long after SIGTERM is killed

// The daemon's parent: tells its pid, reaps it, and keeps its exit code. It ends with it.
const WATCH = 'pid_file=$1 exit_file=$2; shift 2; "$@" & echo $! >"$pid_file"; wait $!; echo $? >"$exit_file"';

const stateFile = (node, kind) => join(dirname(node.config), "run", `${node.name}.${kind}`);

/** Number in a file that a shell wrote with a newline at its end; null until it is complete. */
function readNumber(path) {
    const text = existsSync(path) ? readFileSync(path, "latin1") : "";
    return text.endsWith("\n") ? Number(text) : null;
}

/** {state, started} of a process from /proc, or null. */
function processOf(pid) {
    try {
        // The name in parentheses may hold anything; what follows the last one is fixed.
        const fields = readFileSync(`/proc/${pid}/stat`, "latin1").split(") ").pop().split(" ");
        return { state: fields[0], started: Number(fields[19]) };
    } catch {
        return null;
    }
}

export function isAlive(node) {
    const found = node.pid === null ? null : processOf(node.pid);
    return found !== null && found.started === node.started && !"ZX".includes(found.state);
}

/** "running", "paused", "stopped", "exited with code 78", "killed by signal 9". */
export function stateOf(node) {
    if (isAlive(node)) {
        return processOf(node.pid)?.state === "T" ? "paused" : "running";
    }
    return exitText(node.exit ?? readNumber(stateFile(node, "exit")));
}

function exitText(code) {
    if (code === null || code === 0) {
        return "stopped";
    }
    return code > 128 ? `killed by signal ${code - 128}` : `exited with code ${code}`;
}

async function until(ms, condition) {
    for (const end = Date.now() + ms; ;) {
        const value = await condition();
        if (value || Date.now() > end) {
            return value;
        }
        await sleep(20);
    }
}

/** Only ROOMCAST_TEST_* goes on: the rest would override what the configuration file says. */
function environment() {
    return Object.fromEntries(Object.entries(process.env)
        .filter(([name]) => !name.startsWith("ROOMCAST_") || name.startsWith("ROOMCAST_TEST_")));
}

/** Starts the daemon in a session of its own and fills pid and started; does not wait until it is ready. */
export async function startNode(node, bin) {
    const program = join(bin, `roomcast-${node.role}`);
    if (!existsSync(program)) {
        throw new Refusal(69, `${program} is not there: build it (cmake --preset release && cmake --build build), ` +
            "or name the folder of the programs in ROOMCAST_BIN");
    }
    const [pidFile, exitFile] = [stateFile(node, "pid"), stateFile(node, "exit")];
    rmSync(pidFile, { force: true });
    rmSync(exitFile, { force: true });
    const log = openSync(node.log, "a");
    spawn("/bin/sh", ["-c", WATCH, node.name, pidFile, exitFile, program, "--config", node.config],
        { detached: true, stdio: ["ignore", log, log], env: environment() }).unref();
    closeSync(log);
    if (!await until(5000, () => readNumber(pidFile) !== null)) {
        throw new Refusal(70, `${node.name}: could not be started; see ${node.log}`);
    }
    node.pid = readNumber(pidFile);
    node.started = processOf(node.pid)?.started ?? null;
    node.exit = null;
}

function get(address, path) {
    return new Promise((resolve) => {
        const request = http.get(`http://${address}${path}`, { agent: false, timeout: 1000 }, (answer) => {
            let body = "";
            answer.setEncoding("utf8").on("data", (text) => { body += text; })
                .on("end", () => resolve({ code: answer.statusCode, body: body.trim() }));
        });
        request.on("timeout", () => request.destroy(new Error("no answer within 1 s")));
        request.on("error", (error) => resolve({ code: 0, body: error.message }));
    });
}

export async function isReady(node) {
    return (await get(node.admin, "/readyz")).code === 200;
}

export function lastLines(node, count) {
    const lines = existsSync(node.log) ? readFileSync(node.log, "utf8").trimEnd().split("\n") : [];
    return lines.filter(Boolean).slice(-count);
}

/** Returns when the node is ready; throws a Refusal with its last log lines when it ended or took too long. */
export async function awaitReady(node) {
    let answer;
    const over = await until(READY_MS, async () => {
        if (!isAlive(node)) {
            return "ended";
        }
        answer = await get(node.admin, "/readyz");
        return answer.code === 200 && "ready";
    });
    if (over === "ready") {
        return;
    }
    const why = over ? await awaitEnd(node) : `is not ready after ${READY_MS / 1000} s: ${answer.body}`;
    throw new Refusal(node.exit || 70, [`${node.name} ${why}; the end of ${node.log}:`,
        ...lastLines(node, 15).map((line) => `  | ${line}`)].join("\n"));
}

/** After its death: takes the exit code over, clears the pid; returns what to say about it. */
async function awaitEnd(node) {
    await until(2000, () => readNumber(stateFile(node, "exit")) !== null);
    node.exit = readNumber(stateFile(node, "exit"));
    node.pid = node.started = null;
    return node.exit === 0 ? "exited with code 0 before it was ready" : exitText(node.exit);
}

/** Sends a signal ("SIGTERM"...). False when the node does not run. */
export function signalNode(node, signal) {
    if (!isAlive(node)) {
        return false;
    }
    try {
        process.kill(node.pid, signal);
        return true;
    } catch (error) {
        if (error.code === "ESRCH") { // gone since we looked
            return false;
        }
        throw error;
    }
}

/** Ends the nodes at once; those that do not go within STOP_MS of SIGTERM are killed, which say is told of. */
export async function stopNodes(nodes, signal, say) {
    const running = nodes.filter((node) => signalNode(node, signal));
    running.forEach((node) => signalNode(node, "SIGCONT")); // a paused one would never see SIGTERM
    await until(STOP_MS, () => !running.some(isAlive));
    for (const node of running.filter(isAlive)) {
        say(`${node.name} did not stop within ${STOP_MS / 1000} s: killed`);
        signalNode(node, "SIGKILL");
    }
    await until(STOP_MS, () => !running.some(isAlive));
    await Promise.all(nodes.filter((node) => node.pid !== null).map(awaitEnd));
    return running.length;
}

/** Throws when a port of the node cannot be listened on. */
export async function checkPorts(node) {
    for (const { option, address } of listeners(node)) {
        const [, host, port] = /^\[?(.*?)\]?:(\d+)$/.exec(address) ?? [];
        await new Promise((resolve, reject) => {
            const server = net.createServer();
            server.on("error", (error) => reject(new Refusal(69, error.code === "EADDRINUSE"
                ? `${node.name}: ${address} (${option}) is in use; end what listens there or choose another --base-port`
                : `${node.name}: cannot listen on ${address} (${option}): ${error.message}`)));
            server.listen({ host, port: Number(port), exclusive: true }, () => server.close(resolve));
        });
    }
}

// The commands of deploy/local-cluster. DIR/cluster.json is the state that they share.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import {
    copyBrokerConfig, makeBroker, makeNodes, makeSecrets, parseSetting, PORTS, Refusal, ROLE_MAX, ROLES, writeBrokers,
    writeNode, writePrivate,
} from "./layout.mjs";
import { awaitReady, checkPorts, isAlive, isReady, signalNode, startNode, stateOf, stopNodes } from "./process.mjs";

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const HELP = `usage:
  deploy/local-cluster up [--gateways 2] [--brokers 3] [--persisters 1] [--dir DIR] [--base-port 8080]
                          [--jwt-secret SECRET] [--set ROLE.OPTION=VALUE]...
  deploy/local-cluster down|status [--dir DIR]
  deploy/local-cluster logs [NODE] [--follow] [--dir DIR]
  deploy/local-cluster kill NODE... [--signal KILL|TERM|STOP|CONT] [--dir DIR]
  deploy/local-cluster start NODE... [--dir DIR]
  deploy/local-cluster grow [--dir DIR]
  deploy/local-cluster shrink BROKER [--dir DIR]

up     starts a cluster on loopback and returns when every node is ready; when one is not, says which and why, and ends
       the others. Refused while a cluster runs in DIR. Data and secrets of an earlier cluster in DIR are kept.
down   ends gateways, then brokers, then persisters by SIGTERM, after 10 s by SIGKILL.
status shows the processes and whether they are ready; exit code 69 unless all are. roomcastctl tells more.
kill   sends a signal (KILL if none is given); after KILL and TERM it returns when the node is gone.
start  starts nodes that do not run, with the same ports and data, and returns when they are ready.
grow   adds a broker to the running cluster, and returns when all nodes count it.
shrink removes a broker from the running cluster, in the same steps as an operator would: drain, reload, stop.

--dir         default run/cluster in the repository. DIR/cluster.json describes the nodes, DIR/NODE.ini configures
              one, DIR/logs/NODE.log is its log, DIR/data/NODE its data.
--base-port P a cluster uses ports P to P+${PORTS - 1}. The first node of a role listens on these, the next ones follow:
              gateways P (clients), P+25 (link), P+125 (admin); brokers P+50 (link), P+75 (topic), P+150 (admin);
              persisters P+100 (link), P+175 (admin).
--persisters  0 needs --set broker.store.durability=routed: nothing is stored.
--jwt-secret  at least 32 bytes, for the clients' tokens; else random.
--set         an option of every node of a role (gateway, broker, persister, all) or of one node (broker-2). Repeatable.

Programs are taken from build/bin, or from the folder in ROOMCAST_BIN. Names are gateway-N, broker-N, persister-N.
Exit codes: 0; 64 usage; 69 a port is in use, something is missing or not running; 70 a node failed, or its own code.
`;

const say = (text) => process.stdout.write(`local-cluster: ${text}\n`);
const bin = () => resolve(process.env.ROOMCAST_BIN || join(ROOT, "build/bin"));

function load(dir) {
    const path = join(dir, "cluster.json");
    if (!existsSync(path)) {
        throw new Refusal(64, `no cluster in ${dir} (${path} is not there): deploy/local-cluster up --dir ${dir}`);
    }
    return JSON.parse(readFileSync(path, "utf8"));
}

function save(cluster) {
    writePrivate(join(cluster.dir, "cluster.json"), JSON.stringify(cluster, null, 2) + "\n");
}

/** Writes the state of these nodes. Commands for other nodes may run at the same time, hence the lock. */
async function saveNodes(dir, nodes) {
    const lock = join(dir, "run", "lock");
    for (let tries = 0; ; tries++) {
        try {
            mkdirSync(lock);
            break;
        } catch (error) {
            if (error.code !== "EEXIST" || tries === 300) {
                throw new Refusal(70, `${error.message}; remove ${lock} if no other command runs on this cluster`);
            }
            await sleep(10);
        }
    }
    try {
        const cluster = load(dir);
        cluster.nodes = cluster.nodes.map((old) => nodes.find((node) => node.name === old.name) ?? old);
        save(cluster);
    } finally {
        rmdirSync(lock);
    }
}

function pick({ nodes }, wanted) {
    const known = nodes.map((node) => node.name);
    const unknown = wanted.find((name) => !known.includes(name));
    if (unknown !== undefined || wanted.length === 0) {
        throw new Refusal(64, `${unknown ? `no node ${unknown} here` : "name a node"}; there are ${known.join(", ")}`);
    }
    return nodes.filter((node) => wanted.includes(node.name));
}

/** Rejects when this command is told to end. */
function interruption() {
    return new Promise((_, reject) => {
        for (const [signal, code] of [["SIGINT", 130], ["SIGTERM", 143]]) {
            process.once(signal, () => reject(new Refusal(code, `interrupted by ${signal}`)));
        }
    });
}

async function startAll(dir, nodes) {
    for (const node of nodes) {
        await checkPorts(node);
    }
    for (const node of nodes) {
        await startNode(node, bin());
    }
    await saveNodes(dir, nodes);
}

/** Starts nodes and waits until all are ready. When one is not, those started here are ended again. */
async function launch(dir, nodes) {
    const interrupted = interruption();
    const starting = startAll(dir, nodes);
    try {
        await Promise.race([starting.then(() => Promise.all(nodes.map(awaitReady))), interrupted]);
    } catch (error) {
        await starting.catch(() => {}); // else one that is just being started would be missed
        await stopInOrder(nodes);
        await saveNodes(dir, nodes);
        throw error;
    }
}

async function stopInOrder(nodes) {
    let count = 0;
    for (const role of ROLES) {
        count += await stopNodes(nodes.filter((node) => node.role === role), "SIGTERM", say);
    }
    return count;
}

function readCount(text, what, max, min = 1) {
    if (!/^\d+$/.test(text) || Number(text) < min || Number(text) > max) {
        throw new Refusal(64, `--${what} ${text}: give a number from ${min} to ${max}`);
    }
    return Number(text);
}

function readPlan(dir, values) {
    if (values["jwt-secret"] !== undefined && Buffer.byteLength(values["jwt-secret"]) < 32) {
        throw new Refusal(64, "--jwt-secret: give at least 32 bytes");
    }
    return {
        dir,
        basePort: readCount(values["base-port"], "base-port", 65536 - PORTS),
        counts: Object.fromEntries(ROLES.map((role) =>
            [role, readCount(values[`${role}s`], `${role}s`, ROLE_MAX, role === "persister" ? 0 : 1)])),
        settings: (values.set ?? []).map(parseSetting),
    };
}

async function up(dir, values) {
    const plan = readPlan(dir, values);
    const running = existsSync(join(dir, "cluster.json")) ? load(dir).nodes.filter(isAlive) : [];
    if (running.length > 0) {
        throw new Refusal(64, `a cluster runs in ${dir} already (${running.map((node) => node.name).join(", ")}): ` +
            `deploy/local-cluster down --dir ${dir}`);
    }
    for (const folder of ["logs", "data", "run"]) {
        mkdirSync(join(dir, folder), { recursive: true });
    }
    plan.secrets = makeSecrets(dir, values["jwt-secret"]);
    const nodes = makeNodes(plan);
    const targets = ["all", ...ROLES, ...nodes.map((node) => node.name)];
    const unknown = plan.settings.find(({ target }) => !targets.includes(target));
    if (unknown) {
        throw new Refusal(64, `--set ${unknown.target}.${unknown.option}: this cluster has no node ${unknown.target}`);
    }
    nodes.forEach(writeNode);
    nodes.forEach((node) => delete node.options);
    save({
        dir, jwt_secret_file: plan.secrets.jwt, cluster_secret_file: plan.secrets.cluster,
        base_port: plan.basePort, nodes,
    });
    await launch(dir, nodes);
    const urls = nodes.filter(({ url }) => url).map(({ url }) => url);
    say(`${nodes.length} nodes are ready: ${urls.join(" ")}; described in ${join(dir, "cluster.json")}`);
}

async function down(dir) {
    const { nodes } = load(dir);
    const started = nodes.filter(({ pid }) => pid !== null);
    const count = await stopInOrder(nodes);
    await saveNodes(dir, nodes);
    for (const node of started.filter(({ exit }) => exit !== 0)) {
        say(`${node.name} was not ended cleanly: ${stateOf(node)}; see ${node.log}`);
    }
    say(count > 0 ? `${count} nodes stopped` : `nothing runs in ${dir}`);
}

async function status(dir) {
    const { nodes } = load(dir);
    const rows = await Promise.all(nodes.map(async (node) => {
        const state = stateOf(node);
        const ready = state === "running" && await isReady(node);
        const shown = state === "running" && !ready ? "not ready" : ready ? "ready" : state;
        return [node.name, String(node.pid ?? "-"), shown, node.url ?? node.link, node.admin];
    }));
    const table = [["NAME", "PID", "STATE", "ADDRESS", "ADMIN"], ...rows];
    const widths = table[0].map((_, i) => Math.max(...table.map((row) => row[i].length)));
    for (const row of table) {
        process.stdout.write(row.map((cell, i) => cell.padEnd(widths[i])).join("  ").trimEnd() + "\n");
    }
    if (rows.some((row) => row[2] !== "ready")) {
        process.exitCode = 69;
    }
}

function logs(dir, names, follow) {
    const cluster = load(dir);
    const files = (names.length > 0 ? pick(cluster, names) : cluster.nodes).map((node) => node.log);
    const tail = spawn("tail", [...(follow ? ["-q", "-n", "20", "-F"] : ["-n", "+1"]), ...files], { stdio: "inherit" });
    ["SIGINT", "SIGTERM"].forEach((signal) => process.on(signal, () => tail.kill()));
    tail.on("exit", (code) => { process.exitCode = code ?? 0; });
}

async function kill(dir, names, signal) {
    if (!["KILL", "TERM", "STOP", "CONT"].includes(signal)) {
        throw new Refusal(64, `--signal ${signal}: give KILL, TERM, STOP or CONT`);
    }
    const nodes = pick(load(dir), names);
    for (const node of nodes) {
        if (!isAlive(node)) {
            throw new Refusal(69, `${node.name} does not run (${stateOf(node)})`);
        }
    }
    if (signal === "STOP" || signal === "CONT") {
        nodes.forEach((node) => signalNode(node, `SIG${signal}`));
        return;
    }
    await stopNodes(nodes, `SIG${signal}`, say);
    await saveNodes(dir, nodes);
}

async function start(dir, names) {
    const nodes = pick(load(dir), names);
    for (const node of nodes.filter(isAlive)) {
        throw new Refusal(64, `${node.name} runs already, as process ${node.pid}`);
    }
    await launch(dir, nodes);
    say(`ready: ${nodes.map((node) => `${node.name} (process ${node.pid}, ${node.url ?? node.link})`).join(", ")}`);
}

const brokersOf = (nodes) => nodes.filter(({ role }) => role === "broker");

function ctl(dir, ...args) {
    const { status, stderr, error } = spawnSync(join(bin(), "roomcastctl"),
        ["--cluster", join(dir, "cluster.json"), "--timeout", "20", ...args], { encoding: "utf8" });
    if (status !== 0) {
        throw new Refusal(70, `roomcastctl ${args.join(" ")} failed: ${(error?.message ?? stderr).trim()}`);
    }
}

/** Every node hears of the new list of brokers, each from its own file. */
function rollOut(dir, nodes, brokers) {
    nodes.forEach((node) => writeBrokers(node, brokers));
    ctl(dir, "reload", "--wait");
}

/** docs/operations.md, "Add a broker". */
async function grow(dir) {
    const cluster = load(dir);
    const broker = makeBroker(cluster);
    await checkPorts(broker);
    const brokers = [...brokersOf(cluster.nodes), broker];
    copyBrokerConfig(brokers[0], broker);
    writeBrokers(broker, brokers);
    await startNode(broker, bin());
    save({ ...cluster, nodes: [...cluster.nodes, broker] });
    rollOut(dir, cluster.nodes, brokers);
    await awaitReady(broker);
    say(`ready: ${broker.name} (process ${broker.pid}, ${broker.link})`);
}

/** docs/operations.md, "Remove a broker". */
async function shrink(dir, names) {
    const cluster = load(dir);
    const [broker, ...more] = pick(cluster, names);
    if (more.length > 0 || broker.role !== "broker") {
        throw new Refusal(64, `shrink ${names.join(" ")}: name one broker`);
    }
    const rest = cluster.nodes.filter((node) => node !== broker);
    ctl(dir, "drain", broker.name, "--stay", "--wait");
    rollOut(dir, rest, brokersOf(rest));
    await stopNodes([broker], "SIGTERM", say);
    save({ ...cluster, nodes: rest });
    say(`${broker.name} is removed`);
}

const text = (fallback) => ({ type: "string", ...(fallback === undefined ? {} : { default: fallback }) });
const COMMANDS = {
    up: {
        options: {
            gateways: text("2"), brokers: text("3"), persisters: text("1"), "base-port": text("8080"),
            "jwt-secret": text(), set: { type: "string", multiple: true },
        },
        run: (dir, values) => up(dir, values),
    },
    down: { options: {}, run: down },
    status: { options: {}, run: status },
    logs: {
        options: { follow: { type: "boolean", short: "f" } }, names: true,
        run: (dir, values, names) => logs(dir, names, values.follow),
    },
    kill: {
        options: { signal: text("KILL") }, names: true,
        run: (dir, values, names) => kill(dir, names, values.signal),
    },
    start: { options: {}, names: true, run: (dir, values, names) => start(dir, names) },
    grow: { options: {}, run: grow },
    shrink: { options: {}, names: true, run: (dir, values, names) => shrink(dir, names) },
};

async function main([name, ...args]) {
    if (name === undefined || [name, ...args].some((word) => ["help", "--help", "-h"].includes(word))) {
        process.stdout.write(HELP);
        process.exitCode = name === undefined ? 64 : 0;
        return;
    }
    const command = COMMANDS[name];
    if (!command) {
        throw new Refusal(64, `unknown command ${name}; there are ${Object.keys(COMMANDS).join(", ")}`);
    }
    let parsed;
    try {
        parsed = parseArgs({
            args, allowPositionals: Boolean(command.names),
            options: { dir: text(join(ROOT, "run/cluster")), ...command.options },
        });
    } catch (error) {
        throw new Refusal(64, `${error.message}; see deploy/local-cluster --help`);
    }
    await command.run(resolve(parsed.values.dir), parsed.values, parsed.positionals);
}

main(process.argv.slice(2)).catch((error) => {
    const refused = error instanceof Refusal;
    process.stderr.write(`local-cluster: ${refused ? error.message : error.stack}\n`);
    process.exit(refused ? error.code : 70); // not left to the event loop: probes may still be under way
});

/*
 * A network of its own for a test file: a namespace for each node, one for the test itself with its clients ("client"), and
 * one in the middle through which every packet between them goes ("hub", a router, so that faults of all links are one
 * nftables table there: cuts.mjs). Nothing of the machine's own network changes.
 *
 *   const net = await enterNetwork({ gateways: 2, brokers: 3, persisters: 1 });   // first thing in the file
 *   net.test("cut", {}, async (cluster, step) => {                                // clusterTest, in that network
 *       await net.cut("gateway-1", "broker-2");
 *   });
 *
 * enterNetwork makes the network and runs the file once more inside the client's namespace; in that process it returns. The
 * first process only waits, and takes the network down whatever ends the test. One that was killed leaves its namespaces
 * behind: their names carry its pid and start time, and the next test removes those of the dead. Where namespaces cannot be
 * made, the tests are skipped and say why.
 */
import { spawn, spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { test } from "node:test";
import { BIN, clusterTest } from "../../integration/lib/cluster.mjs";
import { Cuts } from "./cuts.mjs";

const FOLDER = "/run/netns"; // where ip(8) keeps the names
const NAME = /^roomcast-(\d+)-(\d+)-/;
const HUB = "10.99.0.254";
const PORTS = {
    gateway: { listen: 8080, "cluster.listen": 7400, "admin.listen": 7401 },
    broker: { "cluster.listen": 7410, "topic.listen": 7411, "admin.listen": 7412 },
    persister: { "cluster.listen": 7420, "admin.listen": 7421 },
};
const FIRST = { gateway: 10, broker: 30, persister: 50 }; // last number of the addresses: node N of a role has FIRST + N
const CLIENT = "10.99.0.1";

const addressOf = (role, number) => `10.99.0.${FIRST[role] + number}`;
const pathOf = (name) => `${FOLDER}/${name}`;

/** Map of node -> address for these counts. */
function addresses(counts) {
    return new Map(Object.keys(PORTS).flatMap((role) => Array.from({ length: counts[`${role}s`] },
        (_, i) => [`${role}-${i + 1}`, addressOf(role, i + 1)])));
}

/** Runs a command with input; throws with its words when it fails. */
function must(command, args, input = "") {
    const { status, error, stderr, stdout } = spawnSync(command, args, { input, encoding: "utf8" });
    if (error || status !== 0) {
        throw new Error(`${command} ${args.join(" ")}: ${error?.message ?? stderr.trim()}`);
    }
    return stdout;
}

/** {state, started} of a process, or null; a zombie is one still. */
function processOf(pid) {
    try {
        const fields = readFileSync(`/proc/${pid}/stat`, "latin1").split(") ").pop().split(" ");
        return { state: fields[0], started: fields[19] };
    } catch {
        return null;
    }
}

function namespaces() {
    try {
        return readdirSync(FOLDER).filter((name) => NAME.test(name));
    } catch {
        return []; // never made one
    }
}

/** Ends what runs in these namespaces and removes them. Another test may do the same at the same time. */
function remove(names) {
    for (const name of names) {
        const pids = spawnSync("ip", ["netns", "pids", name], { encoding: "utf8" }).stdout ?? "";
        for (const pid of pids.split("\n").filter(Boolean)) {
            try {
                process.kill(Number(pid), "SIGKILL");
            } catch { /* gone */ }
        }
        spawnSync("ip", ["netns", "delete", name]);
    }
}

function removeLeftOvers() {
    remove(namespaces().filter((name) => {
        const [, pid, started] = NAME.exec(name);
        return processOf(pid)?.started !== started;
    }));
}

/** Why namespaces cannot be made here, or null. Leaves one named PREFIX-hub if they can. */
function whyNot(prefix) {
    for (const [command, pack] of [["ip", "iproute2"], ["nft", "nftables"]]) {
        if (spawnSync(command, ["--version"]).error) {
            return `${command} is not there: install ${pack} (deploy/install-deps --test)`;
        }
    }
    const { status, stderr } = spawnSync("ip", ["netns", "add", `${prefix}-hub`], { encoding: "utf8" });
    return status === 0 ? null : `network namespaces cannot be made here (root with CAP_SYS_ADMIN and CAP_NET_ADMIN can): ` +
        stderr.trim();
}

/** A setting of the kernel, in one namespace. */
function setSysctl(name, key, value) {
    must("nsenter", [`--net=${pathOf(name)}`, "sh", "-c", `echo ${value} >/proc/sys/${key}`]);
}

/** The namespaces besides the hub, each with one cable to it. */
function connect(prefix, nodes) {
    const hub = `${prefix}-hub`;
    const lines = (list) => list.map((line) => `${line}\n`).join("");
    must("ip", ["-batch", "-"], lines([...nodes.keys()].map((node) => `netns add ${prefix}-${node}`)));
    must("ip", ["-n", hub, "-batch", "-"], lines(["link set lo up", `address add ${HUB}/32 dev lo`,
        ...[...nodes].flatMap(([node, address]) => [
            `link add ${node} type veth peer name eth0 netns ${prefix}-${node}`, `link set ${node} up`,
            `route add ${address}/32 dev ${node}`,
        ])]));
    for (const [node, address] of nodes) {
        must("ip", ["-n", `${prefix}-${node}`, "-batch", "-"], lines(["link set lo up", `address add ${address}/32 dev eth0`,
            "link set eth0 up", `route add default via ${HUB} dev eth0 onlink`]));
    }
    setSysctl(hub, "net/ipv4/ip_forward", 1);
    // deploy/local-cluster tries whether ports are free, and does so here, where the nodes' addresses are not.
    setSysctl(`${prefix}-client`, "net/ipv4/ip_nonlocal_bind", 1);
    must("nsenter", [`--net=${pathOf(hub)}`, "nft", "-f", "-"], Cuts.TABLE);
}

/** Waits for the end of the child, without the event loop, which does not turn any more when this is called. */
function awaitEnd(child, ms) {
    const wait = new Int32Array(new SharedArrayBuffer(4));
    for (const end = Date.now() + ms; Date.now() < end && !"ZX".includes(processOf(child.pid)?.state ?? "X");) {
        Atomics.wait(wait, 0, 0, 50);
    }
}

/** The first process: makes the network, runs this file inside, removes the network, ends. Returns only a reason why not. */
async function guard(counts) {
    const prefix = `roomcast-${process.pid}-${processOf(process.pid).started}`;
    removeLeftOvers();
    const reason = whyNot(prefix);
    if (reason) {
        return reason;
    }
    let child = null;
    process.on("exit", () => {
        if (child && child.exitCode === null && child.signalCode === null) {
            child.kill("SIGTERM"); // it takes its cluster down
            awaitEnd(child, 30000);
        }
        remove(namespaces().filter((name) => name.startsWith(`${prefix}-`)));
    });
    connect(prefix, new Map([["client", CLIENT], ...addresses(counts)]));
    child = spawn("nsenter", [`--net=${pathOf(`${prefix}-client`)}`, process.execPath, ...process.execArgv,
        ...process.argv.slice(1)], {
        stdio: "inherit",
        env: {
            ...process.env, ROOMCAST_TEST_NETNS: prefix, ROOMCAST_TEST_NETNS_BIN: BIN,
            ROOMCAST_BIN: fileURLToPath(new URL("in-netns", import.meta.url)),
        },
    });
    const code = await new Promise((resolve) => child.on("exit", (status, signal) => resolve(signal ? 1 : status)));
    process.exit(code);
}

/** The network as the test sees it, with its cuts. `reason` is why there is none, else null. */
class Network extends Cuts {
    constructor(prefix, counts, reason) {
        super(prefix && pathOf(`${prefix}-hub`), addresses(counts));
        this.counts = counts;
        this.reason = reason;
        this.client = CLIENT;
        this.test = this.test.bind(this);
    }

    /** clusterTest, with each node in its namespace; its counts are the network's. */
    test(name, options, body) {
        if (this.reason) {
            test(name, { skip: this.reason }, () => {});
            return;
        }
        const settings = [...this.#settings(), ...(options.settings ?? [])];
        clusterTest(name, { ...options, ...this.counts, settings, adminToken: "the operator of the tests, an engineer" }, body);
    }

    /** Where other nodes reach a node. */
    linkOf(name) {
        return `${this.addresses.get(name)}:${PORTS[name.split("-")[0]]["cluster.listen"]}`;
    }

    /** Each node listens on its address. */
    #settings() {
        const brokers = this.nodes("broker").map((name) => `${name}=${this.linkOf(name)}`);
        const listeners = [...this.addresses].flatMap(([node, address]) => Object.entries(PORTS[node.split("-")[0]])
            .map(([option, port]) => `${node}.${option}=${address}:${port}`));
        return [`all.cluster.brokers=${brokers.join(",")}`, ...listeners];
    }
}

/** See the top of this file. */
export async function enterNetwork(counts) {
    const prefix = process.env.ROOMCAST_TEST_NETNS;
    return prefix ? new Network(prefix, counts, null) : new Network(null, counts, await guard(counts));
}

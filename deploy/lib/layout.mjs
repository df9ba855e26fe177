// What a local cluster consists of: names, ports, secrets and the configuration file of each node.
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

// The order in which roles are taken down: those that others depend on last.
export const ROLES = ["gateway", "broker", "persister"];
export const ROLE_MAX = 16; // nodes of one role: as many persisters as a cluster may have; the ports have room for more
export const PORTS = 200; // ports of one cluster, from its base port on

// Node N of a role listens on base + offset + N - 1.
const OFFSETS = {
    gateway: { listen: 0, "cluster.listen": 25, "admin.listen": 125 },
    broker: { "cluster.listen": 50, "topic.listen": 75, "admin.listen": 150 },
    persister: { "cluster.listen": 100, "admin.listen": 175 },
};

/** An error whose message is for the user; code is the exit code. */
export class Refusal extends Error {
    constructor(code, message) {
        super(message);
        this.code = code;
    }
}

export function writePrivate(path, text) {
    const next = `${path}.next`;
    writeFileSync(next, text, { mode: 0o600 });
    renameSync(next, path);
}

/** Secrets stay from one `up` to the next, so that tokens made for the cluster stay good. */
export function makeSecrets(dir, jwtSecret) {
    const jwt = join(dir, "jwt.secret");
    const cluster = join(dir, "cluster.secret");
    if (jwtSecret !== undefined) {
        writePrivate(jwt, jwtSecret);
    }
    for (const path of [jwt, cluster]) {
        if (!existsSync(path)) {
            writePrivate(path, randomBytes(32).toString("hex") + "\n");
        }
    }
    return { jwt, cluster };
}

/** "role.option=value", where role may also be "all" or the name of a node. */
export function parseSetting(text) {
    const match = /^([a-z]+(?:-\d+)?)\.([a-z0-9_.]+)=([^\r\n]*)$/.exec(text);
    if (!match || !["all", ...ROLES].includes(match[1].replace(/-\d+$/, ""))) {
        throw new Refusal(64, `--set ${text}: give ROLE.OPTION=VALUE with ROLE one of all, ${ROLES.join(", ")}, ` +
            "or a node's name, for example gateway.eio.ping_interval=1000");
    }
    return { target: match[1], option: match[2], value: match[3] };
}

function defaults(role, number, cluster) {
    const options = { "node.id": `${role}-${number}` };
    for (const [option, offset] of Object.entries(OFFSETS[role])) {
        options[option] = `127.0.0.1:${cluster.basePort + offset + number - 1}`;
    }
    options["cluster.secret_file"] = cluster.secrets.cluster;
    options["cluster.brokers"] = names("broker", cluster.counts.broker)
        .map((name, i) => `${name}=127.0.0.1:${cluster.basePort + OFFSETS.broker["cluster.listen"] + i}`)
        .join(",");
    if (role === "gateway") {
        options["jwt.secret_file"] = cluster.secrets.jwt;
    } else if (role === "broker") {
        options["cluster.persisters"] = names("persister", cluster.counts.persister).join(",");
    } else {
        options["data.dir"] = join(cluster.dir, "data", `${role}-${number}`);
    }
    return options;
}

function names(role, count) {
    return Array.from({ length: count }, (_, i) => `${role}-${i + 1}`);
}

function makeNode(role, number, cluster) {
    const name = `${role}-${number}`;
    const options = defaults(role, number, cluster);
    for (const setting of cluster.settings) {
        if (["all", role, name].includes(setting.target)) {
            options[setting.option] = setting.value;
        }
    }
    return {
        name, role, pid: null, started: null, exit: null,
        url: role === "gateway" ? `http://${options.listen}` : null,
        link: options["cluster.listen"],
        admin: options["admin.listen"],
        topic: options["topic.listen"] ?? null,
        log: join(cluster.dir, "logs", `${name}.log`),
        data: options["data.dir"] ?? null,
        config: join(cluster.dir, `${name}.ini`),
        options,
    };
}

/** The nodes of a cluster {dir, basePort, counts, secrets, settings}: what cluster.json holds, and their options. */
export function makeNodes(cluster) {
    return ROLES.flatMap((role) => names(role, cluster.counts[role]).map((_, i) => makeNode(role, i + 1, cluster)));
}

/** A broker more in a cluster that exists, configured like its first one: {name, role, ...} without its configuration file. */
export function makeBroker({ dir, base_port: basePort, nodes }) {
    const brokers = nodes.filter(({ role }) => role === "broker");
    const number = 1 + Math.max(...brokers.map(({ name }) => Number(name.replace("broker-", ""))));
    if (number > ROLE_MAX) {
        throw new Refusal(64, `broker-${number} would be more than the ports of a local cluster have room for`);
    }
    const name = `broker-${number}`;
    const at = (option) => `127.0.0.1:${basePort + OFFSETS.broker[option] + number - 1}`;
    return {
        name, role: "broker", pid: null, started: null, exit: null, url: null,
        link: at("cluster.listen"), admin: at("admin.listen"), topic: at("topic.listen"),
        log: join(dir, "logs", `${name}.log`), data: null, config: join(dir, `${name}.ini`),
    };
}

/** Writes the configuration of a new broker after that of another. */
export function copyBrokerConfig(from, to) {
    const text = readFileSync(from.config, "utf8").replaceAll(from.link, to.link).replaceAll(from.topic, to.topic)
        .replaceAll(from.admin, to.admin).replace(/^id *=.*$/m, `id = ${to.name}`);
    writeFileSync(to.config, text);
}

/** Puts these brokers into the configuration of a node. */
export function writeBrokers(node, brokers) {
    const list = brokers.map(({ name, link }) => `${name}=${link}`).join(",");
    const text = readFileSync(node.config, "utf8");
    if (!/^brokers *=.*$/m.test(text)) {
        throw new Refusal(70, `${node.config} has no line "brokers = ..."`);
    }
    writeFileSync(node.config, text.replace(/^brokers *=.*$/m, `brokers = ${list}`));
}

/** The addresses that a node listens on, with the option that says so. */
export function listeners(node) {
    const listen = node.url && { option: "listen", address: node.url.slice("http://".length) };
    const topic = node.topic && { option: "topic.listen", address: node.topic };
    return [listen, { option: "cluster.listen", address: node.link }, topic,
        { option: "admin.listen", address: node.admin }].filter(Boolean);
}

/** INI text: options without a section first, as the format wants it. */
function configText(options) {
    const sections = new Map([["", []]]);
    for (const [option, value] of Object.entries(options)) {
        const dot = option.indexOf(".");
        const section = dot < 0 ? "" : option.slice(0, dot);
        sections.set(section, [...(sections.get(section) ?? []), `${option.slice(dot + 1)} = ${value}`]);
    }
    const blocks = [...sections].map(([section, lines]) => (section ? [`[${section}]`, ...lines] : lines));
    return blocks.map((lines) => lines.join("\n") + "\n").join("\n");
}

export function writeNode(node) {
    writeFileSync(node.config, configText(node.options));
    if (node.data) {
        mkdirSync(node.data, { recursive: true, mode: 0o700 });
    }
}

// What is compared: a scenario for each row, what of its result is the row's number, and the ratio to Socket.IO with Redis that
// Roomcast is to reach. `more`: whether more is better; `routed`, `floor`: whether these systems take part.
export const ROWS = [
    {
        name: "1,000 admins, saturated (64 under way)", unit: "deliveries per CPU second", more: true,
        args: ["admins", "--admins", "1000", "--users", "64", "--window", "64"], key: "delivered_per_cpu_second", floor: true,
        targets: { roomcast: 10 },
    },
    {
        name: "50 admins, saturated (64 under way)", unit: "deliveries per CPU second", more: true,
        args: ["admins", "--admins", "50", "--users", "64", "--window", "64"], key: "delivered_per_cpu_second", floor: true,
        targets: { roomcast: 8 },
    },
    {
        name: "1,000 admins, 50 messages/s", unit: "deliveries per CPU second", more: true,
        args: ["admins", "--admins", "1000", "--users", "64", "--rate", "50"], key: "delivered_per_cpu_second", floor: true,
        targets: { roomcast: 1.8 },
    },
    {
        name: "user to user, 200 under way", unit: "deliveries per CPU second", more: true,
        args: ["direct", "--users", "200", "--window", "200"], key: "delivered_per_cpu_second",
        targets: { roomcast: 4, routed: 8 }, routed: true, floor: true,
    },
    {
        name: "CPU per connect", unit: "us", more: false,
        args: ["connect", "--users", "5500", "--connect_warm", "500"], key: "connect_cpu_us", floor: true,
        absolute: { roomcast: 60 },
    },
    {
        name: "memory per idle connection", unit: "bytes", more: false,
        args: ["idle", "--users", "11000", "--connect_warm", "1000", "--seconds", "1"], key: "connection_anonymous_bytes",
        absolute: { roomcast: 1024 },
    },
];

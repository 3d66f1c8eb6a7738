// The process of a Node.js contender, whose handler's module is its argument: reads one event per line from standard input, and prints one line of
// measurements for each. python_runner.py does the same for Python.

import { createInterface } from "node:readline";

const { dynamodb, handler } = await import(`./${process.argv[2]}`);

let requests = 0;
dynamodb.middlewareStack.add(
  (next) => (args) => {
    requests += 1;
    return next(args);
  },
  { step: "initialize", name: "countRequests" },
);

for await (const line of createInterface({ input: process.stdin })) {
  const event = JSON.parse(line);
  requests = 0;
  const cpu = process.cpuUsage();
  const started = performance.now();
  await handler(event);
  const wall = performance.now() - started;
  const { user, system } = process.cpuUsage(cpu);
  console.log(JSON.stringify({ wall_ms: wall, cpu_ms: (user + system) / 1000, dynamodb_requests: requests }));
}

// Unix sockets of the test's own: something to connect to, and the question whether somebody listens.
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { start, until } from "./command.ts";
import { atEnd, scratch } from "./hygiene.ts";

/** Listens until the end of the test. */
export async function listenAt(path: string): Promise<{ readonly calls: () => number }> {
  let calls = 0;
  const server = createServer((socket) => {
    calls++;
    socket.destroy();
  });
  server.listen(path);
  await once(server, "listening");
  atEnd(() => void server.close());
  return { calls: () => calls };
}

/** Connects and hangs up; throws when nobody listens. */
export async function connectTo(path: string): Promise<void> {
  const socket = connect(path);
  await once(socket, "connect");
  socket.destroy();
}

const FULL = `import socket, sys, time
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen(0)
held = []
for n in range(8):
  client = socket.socket(socket.AF_UNIX)
  client.setblocking(False)
  try:
    client.connect(sys.argv[1])
    held.append(client)
  except BlockingIOError:
    break
print("full", flush=True)
time.sleep(100)
`;

/** Listens until the end of the test in a process of its own, which accepts nobody and whose queue is full. */
export async function fillQueue(path: string): Promise<void> {
  const holder = start(scratch(), ["python3", "-c", FULL, path]);
  atEnd(() => void holder.child.kill("SIGKILL"));
  await until("the queue is full", () => holder.stdout().includes("full"));
}

// Unix sockets of the test's own: something to connect to, and the question whether somebody listens.
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { atEnd } from "./hygiene.ts";

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

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { connect, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** A git server of a test's own, on this machine. */
export interface GitServer {
  /** The address of a repository by its folder. */
  url(folder: string): string;
  /** The certificate that vouches for it, or its line for known_hosts. */
  proof: string;
  stop(): Promise<void>;
}

/** git over https with basic authentication (`user:pass word`), for every repository of this machine. */
export async function startHttpsGit(): Promise<GitServer> {
  const folder = mkdtempSync(join(tmpdir(), 'l3af-https-'));
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const names = 'subjectAltName=IP:127.0.0.1,DNS:localhost';
  const request = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=localhost'];
  execFileSync('openssl', [...request, '-addext', names, '-keyout', key, '-out', cert], { stdio: 'ignore' });
  const proof = readFileSync(cert, 'utf8');
  const server = createServer({ key: readFileSync(key), cert: proof }, (message, response) =>
    answer(message, response, folder),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    proof,
    url: (path) => `https://127.0.0.1:${port}${path}`,
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const authorization = `Basic ${Buffer.from('user:pass word').toString('base64')}`;

/** git's own CGI program, spoken to as a web server would. */
function answer(message: IncomingMessage, response: ServerResponse, home: string): void {
  if (message.headers.authorization !== authorization) {
    response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end();
    return;
  }
  const { pathname, searchParams } = new URL(message.url ?? '/', 'https://localhost');
  const env = {
    ...{ PATH: process.env['PATH'], HOME: home, GIT_PROJECT_ROOT: '/', GIT_HTTP_EXPORT_ALL: '1' },
    ...{ GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: 'safe.directory', GIT_CONFIG_VALUE_0: '*' },
    ...{ PATH_INFO: pathname, QUERY_STRING: searchParams.toString(), REQUEST_METHOD: message.method },
    ...{ CONTENT_TYPE: message.headers['content-type'], REMOTE_USER: 'user' },
    ...{ HTTP_CONTENT_ENCODING: message.headers['content-encoding'] },
    ...{ GIT_PROTOCOL: message.headers['git-protocol'] as string | undefined },
  };
  const backend = spawn('git', ['http-backend'], { env, stdio: ['pipe', 'pipe', 'ignore'] });
  message.pipe(backend.stdin);
  backend.stdin.on('error', () => undefined);
  let head: Buffer | undefined = Buffer.alloc(0);
  backend.stdout.on('data', (chunk: Buffer) => {
    if (head === undefined) return void response.write(chunk);
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf('\r\n\r\n');
    if (end < 0) return;
    const lines = head.subarray(0, end).toString().split('\r\n');
    const headers = lines.map((line) => line.split(/: */, 2) as [string, string]);
    const status = Number(headers.find(([name]) => name === 'Status')?.[1]?.slice(0, 3) ?? 200);
    response.writeHead(status, Object.fromEntries(headers.filter(([name]) => name !== 'Status')));
    response.write(head.subarray(end + 4));
    head = undefined;
  });
  backend.on('close', () => response.end());
}

/** git over ssh, for whoever has the key. */
export async function startSshGit(port: number): Promise<GitServer & { privateKey: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'l3af-ssh-'));
  chmodSync(folder, 0o700);
  mkdirSync('/run/sshd', { recursive: true });
  const make = (name: string): string => {
    const path = join(folder, name);
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', path]);
    return readFileSync(`${path}.pub`, 'utf8').split(' ').slice(0, 2).join(' ');
  };
  const hostKey = make('host');
  writeFileSync(join(folder, 'authorized'), `${make('user')}\n`, { mode: 0o600 });
  const configuration = [
    ...[`Port ${port}`, 'ListenAddress 127.0.0.1', `HostKey ${folder}/host`, `PidFile ${folder}/pid`],
    ...[
      `AuthorizedKeysFile ${folder}/authorized`,
      'StrictModes no',
      'UsePAM no',
      'PasswordAuthentication no',
    ],
    ...['PermitRootLogin yes', 'LogLevel ERROR'],
  ];
  writeFileSync(join(folder, 'config'), `${configuration.join('\n')}\n`);
  const server = spawn('/usr/sbin/sshd', ['-D', '-e', '-f', join(folder, 'config')], { stdio: 'ignore' });
  while (!(await answers(port))) await delay(25);
  return {
    proof: `[127.0.0.1]:${port} ${hostKey}\n`,
    privateKey: readFileSync(join(folder, 'user'), 'utf8'),
    url: (path) => `ssh://root@127.0.0.1:${port}${path}`,
    async stop() {
      server.kill();
      if (server.exitCode === null && server.signalCode === null) await once(server, 'exit');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const answers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });

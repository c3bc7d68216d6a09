import { openPin } from '../bpf/pin';
import { inNetns } from '../sys/netns';
import { checkLibxdp, checkXdpProgram, libxdpMode, withLibxdp } from '../attach/dispatcher/libxdp';

/**
 * What xdp-loader does, by libxdp's shared library, for tests: Debian's xdp-loader has a dispatcher of its own built in, the
 * library takes the one in LIBXDP_OBJECT_PATH. Arguments: NETNS IFINDEX load OBJECT, or NETNS IFINDEX unload PIN.
 */
function run([netns = '', ifindex = '', verb = '', path = '']: string[]): void {
  inNetns(netns, () =>
    withLibxdp((libxdp) => {
      const fd = verb === 'unload' ? openPin(path) : undefined;
      const program = checkXdpProgram(
        verb,
        fd === undefined ? libxdp.openFile(path, null, null) : libxdp.fromFd(fd),
        path,
      );
      const call = verb === 'unload' ? libxdp.detach : libxdp.attach;
      const mode = verb === 'unload' ? libxdpMode.asItIs : libxdpMode.native;
      checkLibxdp(verb, call(program, Number(ifindex), mode, 0), path);
      libxdp.close(program);
    }),
  );
}

if (process.env['L3AF_LIBXDP_CHILD'] === '1') run(process.argv.slice(2));

import { packetTestsOf } from '../testing/packet-tests';

packetTestsOf('connection-watch');

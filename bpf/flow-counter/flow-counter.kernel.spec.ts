import { packetTestsOf } from '../testing/packet-tests';

packetTestsOf('flow-counter');

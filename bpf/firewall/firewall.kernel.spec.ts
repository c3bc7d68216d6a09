import { packetTestsOf } from '../testing/packet-tests';

packetTestsOf('firewall');

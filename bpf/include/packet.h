/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Reads the headers of a packet, the same way for XDP and for TC.
 *
 * Understood: Ethernet with up to two VLAN tags, IPv4 with options, IPv6 with extension headers, fragments, and the
 * ports of TCP, UDP, UDP-Lite, SCTP and DCCP. Tunnels are not opened: a tunnelled packet is what its outer header says.
 * Include vmlinux.h and bpf/bpf_helpers.h before this file.
 */
#ifndef L3AF_PACKET_H
#define L3AF_PACKET_H

#include <bpf/bpf_endian.h>

enum protocol {
	PROTOCOL_HOPOPTS = 0,
	PROTOCOL_ICMP = 1,
	PROTOCOL_IGMP = 2,
	PROTOCOL_IPIP = 4,
	PROTOCOL_TCP = 6,
	PROTOCOL_UDP = 17,
	PROTOCOL_DCCP = 33,
	PROTOCOL_IPV6 = 41,
	PROTOCOL_ROUTING = 43,
	PROTOCOL_FRAGMENT = 44,
	PROTOCOL_GRE = 47,
	PROTOCOL_ESP = 50,
	PROTOCOL_AH = 51,
	PROTOCOL_ICMPV6 = 58,
	PROTOCOL_NONE = 59,
	PROTOCOL_DSTOPTS = 60,
	PROTOCOL_OSPF = 89,
	PROTOCOL_PIM = 103,
	PROTOCOL_VRRP = 112,
	PROTOCOL_SCTP = 132,
	PROTOCOL_MOBILITY = 135,
	PROTOCOL_UDPLITE = 136,
	PROTOCOL_HIP = 139,
	PROTOCOL_SHIM6 = 140,
};

/* What reading a packet came to. */
enum packet_kind {
	/* Addresses and protocol are known, and the ports where `has_ports` says so. */
	PACKET_IP,
	/* Neither IPv4 nor IPv6: ARP, LLDP, … */
	PACKET_NOT_IP,
	/* Headers are cut short, contradict themselves, or go deeper than the limits below. */
	PACKET_MALFORMED,
};

enum {
	VLAN_TAGS_MAX = 2,
	EXTENSION_HEADERS_MAX = 8,
	/* No header starts further into a packet than this. */
	HEADER_OFFSET_MAX = 4096,
};

struct packet {
	/* Network byte order; IPv4 addresses as ::ffff:0:0/96. */
	__u8 source[16];
	__u8 destination[16];
	/* Host byte order. */
	__u16 source_port;
	__u16 destination_port;
	__u8 protocol;
	bool is_ipv6;
	/* Also of some malformed packets. */
	bool has_addresses;
	bool has_ports;
	/* A SYN without ACK. */
	bool is_tcp_request;
	/* A fragment other than the first: it carries no transport header. */
	bool is_later_fragment;
};

/* Where the bytes of a packet come from: exactly one of the two contexts is set, at compile time. */
struct packet_source {
	struct xdp_md *xdp;
	struct __sk_buff *skb;
	__u32 start;
};

/* Copies `size` bytes (a compile-time constant) from `offset`; false when the packet ends before. */
static __always_inline bool packet_read(const struct packet_source *from, __u64 offset, void *to, const __u32 size)
{
	if (from->skb)
		return bpf_skb_load_bytes_relative(from->skb, offset, to, size, from->start) == 0;

	void *data = (void *)(long)from->xdp->data;
	void *end = (void *)(long)from->xdp->data_end;

	if (offset > HEADER_OFFSET_MAX)
		return false;
	/* Keeps the compiler from splitting the sum: the verifier must see one pointer both compared and read. */
	asm volatile("" : "+r"(offset));
	void *at = data + offset;
	if (at + size > end)
		return false;
	__builtin_memcpy(to, __builtin_assume_aligned(at, 2), size);
	return true;
}

/*
 * Gives an offset back unchanged, but unknown to the verifier: whatever way led here, it then looks the same, and what
 * follows is verified once instead of once per way. (The verifier does not follow divisions; the read that comes next
 * bounds the offset.) Loading takes a twentieth of the time.
 */
static __always_inline __u64 packet_merge_ways(__u64 offset)
{
	asm volatile("%0 /= 1" : "+r"(offset));
	return offset;
}

static __always_inline bool is_vlan(__be16 ethertype)
{
	return ethertype == bpf_htons(ETH_P_8021Q) || ethertype == bpf_htons(ETH_P_8021AD) ||
	       ethertype == bpf_htons(ETH_P_QINQ1);
}

/* Steps over the Ethernet header and its tags. A packet with more tags is malformed, not "not IP": or tags would hide it. */
static __always_inline enum packet_kind packet_read_ethernet(const struct packet_source *from, __u64 *offset,
							     __be16 *ethertype)
{
	struct ethhdr ethernet;

	if (!packet_read(from, 0, &ethernet, sizeof(ethernet)))
		return PACKET_MALFORMED;
	*offset = sizeof(ethernet);
	*ethertype = ethernet.h_proto;
#pragma unroll
	for (int tag = 0; tag < VLAN_TAGS_MAX; tag++) {
		struct vlan_hdr vlan;

		if (!is_vlan(*ethertype))
			return PACKET_IP;
		if (!packet_read(from, *offset, &vlan, sizeof(vlan)))
			return PACKET_MALFORMED;
		*offset += sizeof(vlan);
		*ethertype = vlan.h_vlan_encapsulated_proto;
	}
	return is_vlan(*ethertype) ? PACKET_MALFORMED : PACKET_IP;
}

/* Ports stand in the first four bytes of all five protocols. */
static __always_inline enum packet_kind packet_read_ports(const struct packet_source *from, __u64 offset,
							  struct packet *packet)
{
	__be16 ports[2];
	__u8 tcp_flags;

	if (packet->is_later_fragment)
		return PACKET_IP;
	switch (packet->protocol) {
	case PROTOCOL_TCP:
	case PROTOCOL_UDP:
	case PROTOCOL_UDPLITE:
	case PROTOCOL_SCTP:
	case PROTOCOL_DCCP:
		break;
	default:
		return PACKET_IP;
	}
	/* Also meets the first fragment that is made so small that the ports come in the second. */
	if (!packet_read(from, offset, ports, sizeof(ports)))
		return PACKET_MALFORMED;
	packet->source_port = bpf_ntohs(ports[0]);
	packet->destination_port = bpf_ntohs(ports[1]);
	packet->has_ports = true;
	if (packet->protocol == PROTOCOL_TCP && packet_read(from, offset + 13, &tcp_flags, sizeof(tcp_flags)))
		packet->is_tcp_request = (tcp_flags & 0x12) == 0x02;
	return PACKET_IP;
}

static __always_inline void packet_map_ipv4(__u8 *to, __be32 address)
{
	__u32 *words = (__u32 *)to;

	words[0] = 0;
	words[1] = 0;
	words[2] = bpf_htonl(0xffff);
	words[3] = address;
}

static __always_inline enum packet_kind packet_read_ipv4(const struct packet_source *from, __u64 offset,
							 struct packet *packet)
{
	struct iphdr ip;

	if (!packet_read(from, offset, &ip, sizeof(ip)))
		return PACKET_MALFORMED;
	if (ip.version != 4 || ip.ihl < 5)
		return PACKET_MALFORMED;
	packet_map_ipv4(packet->source, ip.saddr);
	packet_map_ipv4(packet->destination, ip.daddr);
	packet->has_addresses = true;
	packet->protocol = ip.protocol;
	packet->is_later_fragment = (ip.frag_off & bpf_htons(0x1fff)) != 0;
	return packet_read_ports(from, offset + ip.ihl * 4, packet);
}

/* Follows the extension headers to the transport header, or to the fragment header of a later fragment. */
static __always_inline enum packet_kind packet_read_ipv6(const struct packet_source *from, __u64 offset,
							 struct packet *packet)
{
	struct ipv6hdr ip;
	__u8 next;

	if (!packet_read(from, offset, &ip, sizeof(ip)))
		return PACKET_MALFORMED;
	if (ip.version != 6)
		return PACKET_MALFORMED;
	__builtin_memcpy(packet->source, &ip.saddr, 16);
	__builtin_memcpy(packet->destination, &ip.daddr, 16);
	packet->has_addresses = true;
	packet->is_ipv6 = true;
	next = ip.nexthdr;
	offset += sizeof(ip);

	for (int header = 0; header <= EXTENSION_HEADERS_MAX; header++) {
		/* Two bytes that all extension headers have; of a fragment header, bytes 2 and 3 are needed too. */
		struct {
			struct ipv6_opt_hdr common;
			__be16 fragment;
		} extension;
		__u32 length;

		switch (next) {
		case PROTOCOL_HOPOPTS:
		case PROTOCOL_ROUTING:
		case PROTOCOL_DSTOPTS:
		case PROTOCOL_MOBILITY:
		case PROTOCOL_HIP:
		case PROTOCOL_SHIM6:
		case PROTOCOL_FRAGMENT:
		case PROTOCOL_AH:
			break;
		default:
			packet->protocol = next;
			return packet_read_ports(from, offset, packet);
		}
		/* The shortest extension header has eight bytes, so four can be read of any. */
		if (!packet_read(from, offset, &extension, sizeof(extension)))
			return PACKET_MALFORMED;
		length = (extension.common.hdrlen + 1) * 8;
		if (next == PROTOCOL_AH)
			length = (extension.common.hdrlen + 2) * 4;
		if (next == PROTOCOL_FRAGMENT) {
			length = 8;
			if (extension.fragment & bpf_htons(0xfff8)) {
				packet->protocol = extension.common.nexthdr;
				packet->is_later_fragment = true;
				return PACKET_IP;
			}
		}
		next = extension.common.nexthdr;
		offset = packet_merge_ways(offset + length);
	}
	return PACKET_MALFORMED;
}

static __always_inline enum packet_kind packet_read_network(const struct packet_source *from, __u64 offset,
							    __be16 ethertype, struct packet *packet)
{
	if (ethertype == bpf_htons(ETH_P_IP))
		return packet_read_ipv4(from, offset, packet);
	if (ethertype == bpf_htons(ETH_P_IPV6))
		return packet_read_ipv6(from, offset, packet);
	return PACKET_NOT_IP;
}

static __always_inline enum packet_kind packet_read_xdp(struct xdp_md *xdp, struct packet *packet)
{
	const struct packet_source from = { .xdp = xdp };
	enum packet_kind kind;
	__be16 ethertype;
	__u64 offset;

	__builtin_memset(packet, 0, sizeof(*packet));
	kind = packet_read_ethernet(&from, &offset, &ethertype);
	if (kind != PACKET_IP)
		return kind;
	if (offset > sizeof(struct ethhdr))
		offset = packet_merge_ways(offset);
	return packet_read_network(&from, offset, ethertype, packet);
}

/*
 * The same for TC. The kernel has taken the outer tag off already, or not put it on yet, and devices without Ethernet
 * (tunnels) have no such header at all: so an IP packet is read from its network header, and only what still carries
 * tags from its Ethernet header.
 */
static __always_inline enum packet_kind packet_read_tc(struct __sk_buff *skb, struct packet *packet)
{
	enum { HEADERS = 256 };
	struct packet_source from = { .skb = skb, .start = BPF_HDR_START_NET };
	__be16 ethertype = skb->protocol;
	__u64 offset = 0;

	__builtin_memset(packet, 0, sizeof(*packet));
	/* Headers may lie in the packet's pages, where they cannot be read. */
	if (skb->data_end - skb->data < HEADERS && skb->data_end - skb->data < skb->len)
		bpf_skb_pull_data(skb, skb->len < HEADERS ? skb->len : HEADERS);
	if (is_vlan(ethertype)) {
		from.start = BPF_HDR_START_MAC;
		if (packet_read_ethernet(&from, &offset, &ethertype) != PACKET_IP)
			return PACKET_MALFORMED;
	}
	return packet_read_network(&from, offset, ethertype, packet);
}

#endif

import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The first read models. All of it can be made again from the event stream. */
export class ReadModels1763700000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const statement of tables) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    const names = ['chain', 'chain_revision', 'node', 'node_heartbeat', 'build', 'projection_checkpoint'];
    const packages = ['package_version', 'package_signature', 'package_verification'];
    for (const name of [...names, ...packages]) await runner.query(`drop table if exists ${name}`);
  }
}

const tables = [
  `create table chain (
     node text not null, interface text not null, hook text not null,
     deleted boolean not null, state jsonb not null,
     primary key (node, interface, hook))`,
  `create table chain_revision (
     node text not null, interface text not null, hook text not null, revision integer not null,
     sequence bigint not null, at text not null, actor text not null,
     change jsonb not null, kfs jsonb not null, outcome text not null, error jsonb,
     primary key (node, interface, hook, revision))`,
  `create table node (
     name text primary key, registered_at text, facts jsonb, labels jsonb not null)`,
  // Lost in a crash of Postgres, and heard again within seconds.
  `create unlogged table node_heartbeat (
     name text primary key, last_seen_at timestamptz not null, rss_bytes double precision not null)`,
  `create table package_version (
     name text not null, version text not null, digest text not null, sequence bigint not null,
     published_at text not null, architectures jsonb not null, size_bytes bigint not null, schema jsonb,
     description text, license text, source_digest text, yanked text,
     primary key (name, version))`,
  `create table package_signature (
     name text not null, digest text not null, key_id text not null,
     primary key (name, digest, key_id))`,
  `create table package_verification (
     name text not null, digest text not null, kernel text not null, architecture text not null,
     loaded boolean not null, error jsonb,
     primary key (name, digest, kernel, architecture))`,
  `create table build (id text primary key, sequence bigint not null, view jsonb not null)`,
  `create index build_by_sequence on build (sequence)`,
];

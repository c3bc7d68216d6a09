import type { MigrationInterface, QueryRunner } from 'typeorm';

/** How each program did on a kernel, its packet tests, and who states it. The projection's new version fills them in. */
export class VerificationDetails1763800000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      `alter table package_verification
         add column programs jsonb not null default '[]', add column tests jsonb, add column key_id text`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(
      'alter table package_verification drop column programs, drop column tests, drop column key_id',
    );
  }
}

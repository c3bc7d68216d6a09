import type { ObjectSchema, VerifiedProgram, WireError } from '@l3af/contracts';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import { numeric } from '../database/numeric';

/** A published version of a package. */
@Entity('package_version')
export class PackageVersionRow {
  @PrimaryColumn('text') name!: string;
  @PrimaryColumn('text') version!: string;
  @Column('text') digest!: string;
  /** Of its publication: the order of versions. */
  @Column('bigint', { transformer: numeric }) sequence!: number;
  @Column('text', { name: 'published_at' }) publishedAt!: string;
  @Column('jsonb') architectures!: string[];
  @Column('bigint', { name: 'size_bytes', transformer: numeric }) sizeBytes!: number;
  @Column('jsonb', { nullable: true }) schema!: ObjectSchema | null;
  @Column('text', { nullable: true }) description!: string | null;
  @Column('text', { nullable: true }) license!: string | null;
  @Column('text', { name: 'source_digest', nullable: true }) sourceDigest!: string | null;
  /** Why it was withdrawn. */
  @Column('text', { nullable: true }) yanked!: string | null;
}

/** A signature on a digest; it may come before or after the version that has the digest. */
@Entity('package_signature')
export class PackageSignatureRow {
  @PrimaryColumn('text') name!: string;
  @PrimaryColumn('text') digest!: string;
  @PrimaryColumn('text', { name: 'key_id' }) keyId!: string;
}

/** What a kernel said to a digest. */
@Entity('package_verification')
export class PackageVerificationRow {
  @PrimaryColumn('text') name!: string;
  @PrimaryColumn('text') digest!: string;
  @PrimaryColumn('text') kernel!: string;
  @PrimaryColumn('text') architecture!: string;
  @Column('boolean') loaded!: boolean;
  @Column('jsonb', { nullable: true }) error!: WireError | null;
  @Column('jsonb') programs!: VerifiedProgram[];
  @Column('jsonb', { nullable: true }) tests!: { passed: number; failed: number; skipped: number } | null;
  @Column('text', { name: 'key_id', nullable: true }) keyId!: string | null;
}

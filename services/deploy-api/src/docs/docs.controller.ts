import { Controller, Get, Header } from '@nestjs/common';
import { openApiDocument, operations } from './openapi';
import { docsPage } from './page';

/** The API's own description, for machines and people. */
@Controller()
export class DocsController {
  private readonly document = openApiDocument();
  private readonly page = docsPage(operations);

  @Get('openapi.json')
  openApi(): object {
    return this.document;
  }

  @Get('docs')
  @Header('content-type', 'text/html; charset=utf-8')
  @Header('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'")
  docs(): string {
    return this.page;
  }
}

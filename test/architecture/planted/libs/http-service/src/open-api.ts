import { SwaggerModule } from '@nestjs/swagger';

export const describe = SwaggerModule;

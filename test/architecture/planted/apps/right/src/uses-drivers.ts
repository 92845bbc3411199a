import { EventStoreDBClient } from '@eventstore/db-client';
import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import bcrypt from 'bcrypt';
import fetch from 'node-fetch';
export const drivers = [EventStoreDBClient, NodeTracerProvider, bcrypt, fetch];

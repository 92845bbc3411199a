import { EventStoreDBClient } from '@eventstore/db-client';
import bcrypt from 'bcrypt';
import fetch from 'node-fetch';
export const drivers = [EventStoreDBClient, bcrypt, fetch];

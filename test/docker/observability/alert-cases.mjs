/**
 * For each alert, figures under which it fires and figures under which it is silent, one column each 15 s. In the
 * notation of promtool: `1x20` is 1 and 20 times the same again, `_` is missing.
 */

const answers = (labels) => `http_server_request_duration_seconds_count{job="api",${labels}}`;
const state = (consumer, name, instance) =>
  `consumer_state{job="worker",instance="${instance}",consumer="${consumer}",state="${name}"}`;
const provider = (name, instance) =>
  `mail_provider_state{job="worker",instance="${instance}",provider="first",state="${name}"}`;

export const alertCases = [
  {
    alert: 'ApiIsDown',
    fires: {
      'none answers for 30 s': { at: '1m', series: { 'up{job="api",instance="a"}': '0x20' } },
      'there is none': { at: '1m', series: { 'up{job="worker",instance="a"}': '1x20' } },
    },
    silent: {
      'one of two answers': {
        at: '4m',
        series: { 'up{job="api",instance="a"}': '0x20', 'up{job="api",instance="b"}': '1x20' },
      },
      'it is away for a moment': {
        at: '1m30s',
        series: { 'up{job="api",instance="a"}': '1 1 0 0 1 1 1' },
      },
    },
  },
  {
    alert: 'WorkerIsDown',
    fires: {
      'none answers for 1 min': {
        at: '1m30s',
        series: { 'up{job="worker",instance="a"}': '0x20' },
      },
      'there is none': { at: '1m30s', series: { 'up{job="api",instance="a"}': '1x20' } },
    },
    silent: {
      'the other took over': {
        at: '4m',
        series: {
          'up{job="worker",instance="a"}': '0x20',
          'up{job="worker",instance="b"}': '1x20',
        },
      },
    },
  },
  {
    alert: 'NobodyLeads',
    fires: {
      'both workers stand by for one of the consumers': {
        at: '1m30s',
        series: {
          [state('accounts', 'standby', 'a')]: '1x20',
          [state('accounts', 'standby', 'b')]: '1x20',
          [state('activation-codes', 'running', 'a')]: '1x20',
          [state('activation-codes', 'standby', 'b')]: '1x20',
        },
      },
    },
    silent: {
      'one works': {
        at: '4m',
        series: {
          [state('accounts', 'standby', 'a')]: '1x20',
          [state('accounts', 'live', 'b')]: '1x20',
          [state('activation-codes', 'running', 'a')]: '1x20',
        },
      },
      'mails pause during an outage of the provider': {
        at: '4m',
        series: {
          [state('activation-codes', 'paused', 'a')]: '1x20',
          [state('activation-codes', 'standby', 'b')]: '1x20',
        },
      },
      'the other takes over': {
        at: '4m',
        series: {
          [state('accounts', 'live', 'a')]: '1 1 1 _x17',
          [state('accounts', 'standby', 'b')]: '1 1 1 1 1 _x15',
          [state('accounts', 'catching-up', 'b')]: '_ _ _ _ _ 1 1 _x13',
          [state('accounts', 'live', 'b')]: '_ _ _ _ _ _ _ 1x13',
        },
      },
    },
  },
  {
    alert: 'EventsFail',
    fires: {
      'one event fails in one consumer, whichever worker says so': {
        at: '4m',
        series: {
          'failed_events{job="worker",instance="a",consumer="accounts",type="AccountFrozen",reason="UnknownAccountEvent"}':
            '0 1x9 _x20',
          'failed_events{job="worker",instance="b",consumer="accounts",type="AccountFrozen",reason="UnknownAccountEvent"}':
            '_x9 1x20',
        },
      },
    },
    silent: {
      'a mail is taken at a later try': {
        at: '5m',
        series: {
          'failed_events{job="worker",instance="a",consumer="activation-mail",type="ActivationCodeIssued",reason="MailProviderUnavailable"}':
            '_ 1x4 _x20',
        },
      },
      'nothing fails': { at: '5m', series: { 'up{job="worker",instance="a"}': '1x20' } },
    },
  },
  {
    alert: 'ConsumerFaulted',
    fires: {
      'it fails all the time': {
        at: '3m',
        series: { [state('accounts', 'faulted', 'a')]: '1x20' },
      },
      'others succeed between its failures': {
        at: '4m',
        series: {
          [state('activation-codes', 'faulted', 'a')]: '1 _ _ 1 _ _ 1 _ _ 1 _ _ 1 _ _ 1 _ _',
          [state('activation-codes', 'running', 'a')]: '_ 1 1 _ 1 1 _ 1 1 _ 1 1 _ 1 1 _ 1 1',
        },
      },
    },
    silent: {
      'it failed once': {
        at: '4m',
        series: {
          [state('accounts', 'faulted', 'a')]: '1 1 _x18',
          [state('accounts', 'live', 'a')]: '_ _ 1x18',
        },
      },
    },
  },
  {
    alert: 'ReadModelLags',
    fires: {
      'it is 6 s behind for 1 min': {
        at: '1m30s',
        series: { 'projection_lag_seconds{projection="accounts",instance="a"}': '6x20' },
      },
    },
    silent: {
      'it is 4 s behind': {
        at: '4m',
        series: { 'projection_lag_seconds{projection="accounts",instance="a"}': '4x20' },
      },
      'it catches up': {
        at: '4m',
        series: { 'projection_lag_seconds{projection="accounts",instance="a"}': '9 9 9 0x17' },
      },
    },
  },
  {
    alert: 'AccountsUnreadable',
    fires: {
      'a key was lost': {
        at: '2m',
        series: { 'unreadable_accounts{job="worker",instance="a"}': '0 1x20' },
      },
    },
    silent: {
      'every account can be read': {
        at: '2m',
        series: { 'unreadable_accounts{job="worker",instance="a"}': '0x20' },
      },
      'the account came back at once': {
        at: '2m',
        series: { 'unreadable_accounts{job="worker",instance="a"}': '0 1 1 0x20' },
      },
    },
  },
  {
    alert: 'LogLinesDropped',
    fires: {
      'one process drops lines': {
        at: '2m',
        series: {
          'log_lines_dropped_total{job="api",instance="a"}': '0x20',
          'log_lines_dropped_total{job="worker",instance="b"}': '0x3 12x16',
        },
      },
    },
    silent: {
      'none is dropped': {
        at: '4m',
        series: { 'log_lines_dropped_total{job="api",instance="a"}': '0x20' },
      },
      'the last was dropped an hour ago': {
        at: '60m',
        series: { 'log_lines_dropped_total{job="api",instance="a"}': '0x3 12x240' },
      },
    },
  },
  {
    alert: 'ClockIsWrong',
    fires: {
      'one machine is an hour behind': {
        at: '1m30s',
        series: {
          'clock_offset_seconds{job="api",instance="a"}': '0.01x20',
          'clock_offset_seconds{job="worker",instance="b"}': '-3600x20',
        },
      },
    },
    silent: {
      'they differ by what a network costs': {
        at: '4m',
        series: { 'clock_offset_seconds{job="api",instance="a"}': '-0.4x20' },
      },
      'a process does not know the time yet': {
        at: '4m',
        // promtool repeats numbers only.
        series: {
          'clock_offset_seconds{job="api",instance="a"}': Array(20).fill('NaN').join(' '),
        },
      },
    },
  },
  {
    alert: 'ClockWasSet',
    fires: {
      'it was set back under a process that runs': {
        at: '1m15s',
        series: { 'clock_jump_seconds{job="api",instance="a"}': '0 -60x20' },
      },
    },
    silent: {
      'the process was restarted': {
        at: '4m',
        series: { 'clock_jump_seconds{job="api",instance="a"}': '0 -60 0x20' },
      },
    },
  },
  {
    alert: 'MailIsLate',
    fires: {
      'the oldest waits for more than a minute': {
        at: '1m30s',
        series: {
          'saga_lag_seconds{saga="activation-codes",instance="a"}': '70+15x20',
          'saga_lag_seconds{saga="activation-codes",instance="b"}': '0x20',
        },
      },
    },
    silent: {
      'mails go out': {
        at: '4m',
        series: { 'saga_lag_seconds{saga="activation-codes",instance="a"}': '0 2 40 0 3 0x15' },
      },
    },
  },
  {
    alert: 'MailProviderFails',
    fires: {
      'it is probed again and again': {
        at: '1m30s',
        series: {
          [provider('open', 'a')]: '1 _ 1 1 _ 1 1 _ 1',
          [provider('due', 'a')]: '_ _ _ _ 1 _ _ _ _',
          [provider('probing', 'a')]: '_ 1 _ _ _ _ _ 1 _',
          [provider('closed', 'b')]: '1x20',
        },
      },
    },
    silent: {
      'it works': { at: '4m', series: { [provider('closed', 'a')]: '1x20' } },
      'it failed for half a minute': {
        at: '4m',
        series: { [provider('open', 'a')]: '1 1 _x18', [provider('closed', 'a')]: '_ _ 1x18' },
      },
    },
  },
  {
    alert: 'MailRefused',
    fires: {
      'one a minute': {
        at: '10m',
        series: {
          'mail_provider_tries_total{provider="first",outcome="refused"}': '0+1x10 10+1x40',
        },
      },
    },
    silent: {
      'three in ten minutes, and many accepted': {
        at: '10m',
        series: {
          'mail_provider_tries_total{provider="first",outcome="refused"}': '0 1 2 3x50',
          'mail_provider_tries_total{provider="first",outcome="accepted"}': '0+10x50',
        },
      },
    },
  },
  {
    alert: 'PasswordQueueGrows',
    fires: {
      'more than 32 wait in one process': {
        at: '1m',
        series: {
          'password_hashes_pending{instance="a"}': '40x20',
          'password_hashes_pending{instance="b"}': '0x20',
        },
      },
    },
    silent: {
      'two processes have 20 each': {
        at: '4m',
        series: {
          'password_hashes_pending{instance="a"}': '20x20',
          'password_hashes_pending{instance="b"}': '20x20',
        },
      },
    },
  },
  {
    alert: 'ApiFails',
    fires: {
      'two in a hundred': {
        at: '8m',
        series: {
          [answers('route="/v1/accounts",status="202"')]: '0+98x40',
          [answers('route="/v1/accounts",status="503"')]: '0+2x40',
        },
      },
    },
    silent: {
      'one in a thousand': {
        at: '8m',
        series: {
          [answers('route="/v1/accounts",status="202"')]: '0+999x40',
          [answers('route="/v1/accounts",status="503"')]: '0+1x40',
        },
      },
      'clients are at fault': {
        at: '8m',
        series: { [answers('route="/v1/accounts",status="422"')]: '0+100x40' },
      },
      'no client calls': {
        at: '8m',
        series: { [answers('route="/v1/accounts",status="202"')]: '5x40' },
      },
    },
  },
  {
    alert: 'CodesAreGuessed',
    fires: {
      '240 within an hour': {
        at: '1h',
        series: { [answers('route="/v1/account/activation",status="422"')]: '0+1x240' },
      },
    },
    silent: {
      '60 within an hour, and many right ones': {
        at: '1h',
        series: {
          [answers('route="/v1/account/activation",status="422"')]: '0+0.25x240',
          [answers('route="/v1/account/activation",status="200"')]: '0+5x240',
        },
      },
    },
  },
  {
    alert: 'PasswordsAreGuessed',
    fires: {
      'seven a second for ten minutes': {
        at: '11m',
        series: { [answers('route="/v1/account",status="401"')]: '0+105x50' },
      },
    },
    silent: {
      'three a second': {
        at: '11m',
        series: { [answers('route="/v1/account",status="401"')]: '0+45x50' },
      },
      'a burst of a minute': {
        at: '11m',
        series: { [answers('route="/v1/account",status="401"')]: '0+150x4 600x46' },
      },
    },
  },
];

/** A series that a process stops to show ends at once, where a missing figure alone would last for 5 minutes. */
const ended = (values) =>
  values
    .replace(/_x(\d+)/g, (_, times) => `_ _x${Number(times) - 1}`)
    .replace(/_(?= |$)/g, 'stale');

/** The cases as promtool takes them: JSON, which is YAML. */
export function promtoolTests(ruleFile) {
  const tests = alertCases.flatMap(({ alert, fires, silent }) =>
    [
      [fires, [{ labels: '{}', value: 1 }]],
      [silent, []],
    ].flatMap(([cases, expected]) =>
      Object.entries(cases).map(([name, { at, series }]) => ({
        name: `${alert}: ${name}`,
        interval: '15s',
        input_series: Object.entries(series).map(([key, values]) => ({
          series: key,
          values: ended(values),
        })),
        promql_expr_test: [
          {
            expr: `count(ALERTS{alertname="${alert}",alertstate="firing"}) > 0`,
            eval_time: at,
            exp_samples: expected,
          },
        ],
      })),
    ),
  );
  return JSON.stringify({ rule_files: [ruleFile], evaluation_interval: '15s', tests });
}

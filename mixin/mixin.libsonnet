// The committed rules and dashboards as a mixin, with a site's own job and addresses:
//   (import 'adc-witness/mixin/mixin.libsonnet') { _config+:: { job: 'witness', url: 'https://witness.example.com' } }
{
  _config:: {
    job: 'adc-witness',
    // Addresses of the agent and of Grafana, for links; null: no links there.
    url: null,
    grafana: null,
  },

  local config = self._config,
  local bases = { runbook: config.url, page: config.url, dashboard: config.grafana },
  local annotation(name, value) =
    local kind = std.strReplace(name, '_path', '');
    if !std.endsWith(name, '_path') then { [name]: value }
    else if bases[kind] == null then {}
    else { [kind + '_url']: std.rstripChars(bases[kind], '/') + value },
  local annotations(all) = std.foldl(
    function(made, name) made + annotation(name, all[name]), std.objectFields(all), {}
  ),
  local rule(committed) = committed {
    expr: std.strReplace(super.expr, 'job="adc-witness"', 'job="%s"' % config.job),
    [if 'annotations' in committed then 'annotations']: annotations(committed.annotations),
  },
  local groups(text) = [
    group { rules: [rule(each) for each in group.rules] }
    for group in std.parseYaml(text).groups
  ],

  prometheusAlerts+:: {
    groups+: groups(importstr '../alerts/members.rules.yml')
             + groups(importstr '../alerts/vservers.rules.yml')
             + groups(importstr '../alerts/agent.rules.yml'),
  },
  prometheusRules+:: {
    groups+: groups(importstr '../alerts/recording.rules.yml'),
  },
  grafanaDashboards+:: {
    'adc-witness-estate.json': import '../dashboards/estate.json',
    'adc-witness-vserver.json': import '../dashboards/vserver.json',
    'adc-witness-maintenance.json': import '../dashboards/maintenance-hour.json',
    'adc-witness-agent.json': import '../dashboards/agent.json',
  },
}

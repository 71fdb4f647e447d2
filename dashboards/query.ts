/** Matchers that every selector of our dashboards carries, from the variables at the top of the page. */
const FROM_VARIABLES = 'job=~"$job",instance=~"$instance"';
const OF_ADC = `${FROM_VARIABLES},adc=~"$adc"`;

/** A selector of a metric of the agent itself. */
export function ofAgent(metric: string, matchers = ""): string {
  return `${metric}{${join(FROM_VARIABLES, matchers)}}`;
}

/** A selector of a metric with the label `adc`. */
export function ofAdc(metric: string, matchers = ""): string {
  return `${metric}{${join(OF_ADC, matchers)}}`;
}

function join(first: string, second: string): string {
  return second === "" ? first : `${first},${second}`;
}

const MEMBER_LABELS = "job, instance, adc, adc_service, server, port";

/** Restricts a selector of members to those that serve the chosen vservers. */
export function servingVserver(selector: string): string {
  const info = ofAdc("adc_witness_vserver_member_info", 'vserver=~"$vserver"');
  return `${selector} and on (${MEMBER_LABELS}) ${info}`;
}

/** A member series with the vserver it serves, one series for each. */
export function byVserver(selector: string): string {
  const info = ofAdc("adc_witness_vserver_member_info", 'vserver=~"$vserver"');
  return `${info} * on (${MEMBER_LABELS}) group_left () ${selector}`;
}

/** What several agents say of one member, vserver or server, once: otherwise a sum would count it for each agent. */
export function onceByMember(selector: string, ...more: readonly string[]): string {
  return `max by (${["adc", "adc_service", "server", "port", ...more].join(", ")}) (${selector})`;
}

export function onceByVserver(selector: string, ...more: readonly string[]): string {
  return `max by (${["adc", "vserver", ...more].join(", ")}) (${selector})`;
}

/** Per-second rate over the interval that Grafana chooses. */
export function rate(selector: string): string {
  return `rate(${selector}[$__rate_interval])`;
}

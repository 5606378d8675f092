/**
 * Keys → the texts of the page, in English and Chinese: the only place that has words for people.
 *
 * `?lang=zh` or `?lang=en` chooses, else the first language of the browser that is here, else English.
 */

/** Key → [English, Chinese]; `{0}` stands for the first value. */
const TEXTS = {
  logs: ["Logs", "日志"],
  containers: ["Containers", "容器"],
  patterns: ["Patterns", "模式"],
  delivery: ["Delivery", "投递"],
  views: ["Views", "视图"],
  search: ["Search", "搜索"],
  searchHint: ["Search all lines: level:error AND timeout", "搜索所有日志：level:error AND timeout"],
  clear: ["Clear", "清除"],
  range: ["Time range", "时间范围"],
  from: ["From", "从"],
  to: ["To", "到"],
  custom: ["From … to …", "自定义"],
  all: ["Everything", "全部"],
  last15m: ["Last 15 minutes", "最近 15 分钟"],
  last1h: ["Last hour", "最近 1 小时"],
  last6h: ["Last 6 hours", "最近 6 小时"],
  last24h: ["Last 24 hours", "最近 24 小时"],
  last7d: ["Last 7 days", "最近 7 天"],
  live: ["Live", "实时"],
  pause: ["Pause", "暂停"],
  resume: ["Continue", "继续"],
  news: ["{0} new", "新增 {0} 行"],
  skipped: ["{0} lines were too fast to show: search finds them", "{0} 行过快未显示，可通过搜索找到"],
  notConnected: ["Not connected; trying again", "连接已断开，正在重试"],
  missed: ["Some lines of the interruption may be missing here: search for them", "中断期间的部分日志可能缺失，请搜索"],
  total: ["{0} lines", "共 {0} 行"],
  shown: ["{0} shown", "已显示 {0} 行"],
  nothing: ["No line matches.", "没有匹配的日志。"],
  loading: ["Loading…", "加载中…"],
  older: ["Older lines", "更早的日志"],
  lines: ["Log lines", "日志行"],
  histogram: ["Lines by time and level; drag to zoom", "按时间和级别统计；拖动可缩放"],
  other: ["other", "其他"],
  facets: ["Filters", "筛选"],
  level: ["level", "级别"],
  container: ["container", "容器"],
  target: ["target", "目标"],
  stream: ["stream", "流"],
  host: ["host", "主机"],
  filter: ["Filter", "筛选"],
  exclude: ["Exclude", "排除"],
  filterBy: ["Only {0}", "仅 {0}"],
  excludeBy: ["Without {0}", "排除 {0}"],
  context: ["Context", "上下文"],
  contextOf: ["Lines around one line", "该行的上下文"],
  ofContainer: ["of its container", "同一容器"],
  ofAll: ["of all containers", "所有容器"],
  back: ["Back to the search", "返回搜索"],
  copyLink: ["Copy link", "复制链接"],
  copied: ["Copied", "已复制"],
  close: ["Close", "关闭"],
  line: ["Line", "日志行"],
  download: ["Download", "下载"],
  downloadAs: ["Download as", "下载格式"],
  size: ["{0} lines, about {1}", "{0} 行，约 {1}"],
  name: ["Name", "名称"],
  state: ["State", "状态"],
  health: ["Health", "健康"],
  streak: ["Failed checks", "连续失败"],
  exit: ["Exit code", "退出码"],
  cpu: ["CPU", "CPU"],
  memory: ["Memory", "内存"],
  lineCount: ["Lines", "行数"],
  errors: ["Errors", "错误"],
  logSize: ["Log size", "日志大小"],
  rate: ["By time", "趋势"],
  sortBy: ["Sort by {0}", "按 {0} 排序"],
  removed: ["removed", "已移除"],
  noContainers: ["There is no container yet.", "还没有容器。"],
  findContainer: ["Find a container", "查找容器"],
  pattern: ["Pattern", "模式"],
  count: ["Count", "数量"],
  first: ["First", "首次"],
  last: ["Last", "最近"],
  lookedAt: ["Of the newest {0} of {1} lines", "最新 {0} 行（共 {1} 行）"],
  promise: ["Promise", "承诺"],
  lag: ["Lag", "延迟"],
  read: ["read", "已读"],
  acknowledged: ["acknowledged", "已确认"],
  duplicates: ["there already", "已存在"],
  deadLetters: ["dead letters", "死信"],
  fallback: ["fallback", "备用"],
  filtered: ["filtered", "已过滤"],
  lost: ["lost", "丢失"],
  inFlight: ["in flight", "传输中"],
  spooled: ["spooled", "磁盘缓冲"],
  completeUntil: ["Complete until", "完整截止"],
  unknown: ["unknown", "未知"],
  backlog: ["Not read yet", "未读"],
  speed: ["Lines per second", "每秒行数"],
  replay: ["Replay", "重放"],
  replayToken: ["Token of an administrator: the session of this page can only read", "管理员令牌（此页面会话只读）"],
  replayed: ["Replay ended: {0}", "重放结束：{0}"],
  replayedLines: ["replayed", "已重放"],
  recovered: ["from the spool", "来自磁盘缓冲"],
  noLetters: ["No dead letters.", "没有死信。"],
  reason: ["Reason", "原因"],
  theme: ["Theme", "主题"],
  help: ["Keys", "快捷键"],
  signIn: ["Open the link that the agent prints, with its token.", "请打开代理输出的带令牌的链接。"],
  footer: ["Delivery, in short", "投递概况"],
  keySearch: ["search", "搜索"],
  keyPause: ["pause or continue", "暂停或继续"],
  keyEnds: ["first, last line", "首行、末行"],
  keyMove: ["next, previous line", "下一行、上一行"],
  keyOpen: ["open the line", "打开该行"],
  keyErrors: ["next, previous error", "下一个、上一个错误"],
  keyFilter: ["filter by, exclude the container", "筛选、排除容器"],
  keyContext: ["context", "上下文"],
  keyTheme: ["dark or light", "深色或浅色"],
  keyContainers: ["containers", "容器"],
  keyHelp: ["these keys", "快捷键帮助"],
};

const LANGUAGES = ["en", "zh"];

/** The language of the page: one of `LANGUAGES`. */
export const language = chosen();

/**
 * The text of a key.
 * @param {keyof typeof TEXTS} key
 * @param {...(string|number)} values
 * @returns {string}
 */
export function t(key, ...values) {
  return TEXTS[key][LANGUAGES.indexOf(language)].replace(/\{(\d)\}/g, (_, at) => String(values[Number(at)]));
}

/** A whole number as people read it. @param {number} value @returns {string} */
export function count(value) {
  return value.toLocaleString(language);
}

/** Bytes as people read them; "" for what nobody knows. @param {number|null} bytes @returns {string} */
export function size(bytes) {
  if (bytes === null) return "";
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let at = 0;
  for (; bytes >= 1024 && at < units.length - 1; at++) bytes /= 1024;
  return `${bytes.toFixed(at && bytes < 10 ? 1 : 0)} ${units[at]}`;
}

/** A time of the API, of this machine's zone, to the second. @param {string|null} iso @returns {string} */
export function moment(iso) {
  if (!iso) return t("unknown");
  const when = new Date(iso);
  const two = (/** @type {number} */ part) => String(part).padStart(2, "0");
  const day = `${when.getFullYear()}-${two(when.getMonth() + 1)}-${two(when.getDate())}`;
  return `${day} ${two(when.getHours())}:${two(when.getMinutes())}:${two(when.getSeconds())}`;
}

function chosen() {
  const wanted = [new URLSearchParams(location.search).get("lang") ?? "", ...navigator.languages];
  return wanted.map((one) => one.slice(0, 2).toLowerCase()).find((one) => LANGUAGES.includes(one)) ?? "en";
}

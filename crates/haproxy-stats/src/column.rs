//! The columns of `show stat`, in HAProxy's order and with the tags of its typed form (recorded from 2.6.12; the management guide, 9.1
//! and 9.2, says what each means). Tools find columns by their names, and some by their places.

use crate::facts::Kind;

/// How a value is written in the typed forms.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Written {
    U32,
    U64,
    S32,
    Str,
}

impl Written {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::U32 => "u32",
            Self::U64 => "u64",
            Self::S32 => "s32",
            Self::Str => "str",
        }
    }
}

/// One column.
pub(crate) struct Column {
    pub(crate) name: &'static str,
    tags: &'static str,
    pub(crate) written: Written,
}

impl Column {
    /// Origin, nature and scope (management guide, 9.2), a letter each. Three columns have others in some lines.
    pub(crate) fn tags(&self, kind: Kind) -> &'static str {
        match (self.name, kind) {
            ("act" | "bck", Kind::Server) => "SGP",
            ("rate" | "rate_max", Kind::Backend) => "MGP",
            _ => self.tags,
        }
    }
}

/// Where the columns of HAProxy's modules begin: before it CSV has one more, named `-`.
pub(crate) const MODULES: usize = SSL_SESS;

macro_rules! columns {
    ($($place:ident $name:literal $tags:literal $written:ident,)*) => {
        #[expect(clippy::upper_case_acronyms, non_camel_case_types, reason = "it is there to be counted")]
        enum Place { $($place,)* }
        $(#[allow(dead_code, reason = "not all are filled")] pub(crate) const $place: usize = Place::$place as usize;)*
        pub(crate) const COLUMNS: &[Column] = &[$(Column { name: $name, tags: $tags, written: Written::$written },)*];
    };
}

columns! {
    PXNAME "pxname" "KNS" Str,
    SVNAME "svname" "KNS" Str,
    QCUR "qcur" "MGP" U32,
    QMAX "qmax" "MMP" U32,
    SCUR "scur" "MGP" U32,
    SMAX "smax" "MMP" U32,
    SLIM "slim" "CLP" U32,
    STOT "stot" "MCP" U64,
    BIN "bin" "MCP" U64,
    BOUT "bout" "MCP" U64,
    DREQ "dreq" "MCP" U64,
    DRESP "dresp" "MCP" U64,
    EREQ "ereq" "MCP" U64,
    ECON "econ" "MCP" U64,
    ERESP "eresp" "MCP" U64,
    WRETR "wretr" "MCP" U64,
    WREDIS "wredis" "MCP" U64,
    STATUS "status" "SGP" Str,
    WEIGHT "weight" "MaP" U32,
    ACT "act" "MGP" U32,
    BCK "bck" "MGP" U32,
    CHKFAIL "chkfail" "MCP" U64,
    CHKDOWN "chkdown" "MCP" U64,
    LASTCHG "lastchg" "MAP" U32,
    DOWNTIME "downtime" "MCP" U32,
    QLIMIT "qlimit" "CLS" U32,
    PID "pid" "KGP" U32,
    IID "iid" "KGS" U32,
    SID "sid" "KGS" U32,
    THROTTLE "throttle" "MaP" U32,
    LBTOT "lbtot" "MCP" U64,
    TRACKED "tracked" "CGS" Str,
    TYPE "type" "CGS" U32,
    RATE "rate" "MRP" U32,
    RATE_LIM "rate_lim" "CLP" U32,
    RATE_MAX "rate_max" "MMP" U32,
    CHECK_STATUS "check_status" "MOP" Str,
    CHECK_CODE "check_code" "MOP" U32,
    CHECK_DURATION "check_duration" "MDP" U64,
    HRSP_1XX "hrsp_1xx" "MCP" U64,
    HRSP_2XX "hrsp_2xx" "MCP" U64,
    HRSP_3XX "hrsp_3xx" "MCP" U64,
    HRSP_4XX "hrsp_4xx" "MCP" U64,
    HRSP_5XX "hrsp_5xx" "MCP" U64,
    HRSP_OTHER "hrsp_other" "MCP" U64,
    HANAFAIL "hanafail" "MCP" U64,
    REQ_RATE "req_rate" "MRP" U32,
    REQ_RATE_MAX "req_rate_max" "MMP" U32,
    REQ_TOT "req_tot" "MCP" U64,
    CLI_ABRT "cli_abrt" "MCP" U64,
    SRV_ABRT "srv_abrt" "MCP" U64,
    COMP_IN "comp_in" "MCP" U64,
    COMP_OUT "comp_out" "MCP" U64,
    COMP_BYP "comp_byp" "MCP" U64,
    COMP_RSP "comp_rsp" "MCP" U64,
    LASTSESS "lastsess" "MAP" S32,
    LAST_CHK "last_chk" "MOP" Str,
    LAST_AGT "last_agt" "MOP" Str,
    QTIME "qtime" "MaP" U32,
    CTIME "ctime" "MaP" U32,
    RTIME "rtime" "MaP" U32,
    TTIME "ttime" "MaP" U32,
    AGENT_STATUS "agent_status" "MOP" Str,
    AGENT_CODE "agent_code" "MOP" U32,
    AGENT_DURATION "agent_duration" "MDP" U64,
    CHECK_DESC "check_desc" "MOP" Str,
    AGENT_DESC "agent_desc" "MOP" Str,
    CHECK_RISE "check_rise" "CGS" U32,
    CHECK_FALL "check_fall" "CGS" U32,
    CHECK_HEALTH "check_health" "CGS" U32,
    AGENT_RISE "agent_rise" "CGS" U32,
    AGENT_FALL "agent_fall" "CGS" U32,
    AGENT_HEALTH "agent_health" "CGS" U32,
    ADDR "addr" "CGS" Str,
    COOKIE "cookie" "CNS" Str,
    MODE "mode" "CGS" Str,
    ALGO "algo" "CGS" Str,
    CONN_RATE "conn_rate" "MRP" U32,
    CONN_RATE_MAX "conn_rate_max" "MMP" U32,
    CONN_TOT "conn_tot" "MCP" U64,
    INTERCEPTED "intercepted" "MCP" U64,
    DCON "dcon" "MCP" U64,
    DSES "dses" "MCP" U64,
    WREW "wrew" "MCP" U64,
    CONNECT "connect" "MCP" U64,
    REUSE "reuse" "MCP" U64,
    CACHE_LOOKUPS "cache_lookups" "MCP" U64,
    CACHE_HITS "cache_hits" "MCP" U64,
    SRV_ICUR "srv_icur" "MGP" U32,
    SRC_ILIM "src_ilim" "CLP" U32,
    QTIME_MAX "qtime_max" "MMP" U32,
    CTIME_MAX "ctime_max" "MMP" U32,
    RTIME_MAX "rtime_max" "MMP" U32,
    TTIME_MAX "ttime_max" "MMP" U32,
    EINT "eint" "MCP" U64,
    IDLE_CONN_CUR "idle_conn_cur" "MGP" U32,
    SAFE_CONN_CUR "safe_conn_cur" "MGP" U32,
    USED_CONN_CUR "used_conn_cur" "MGP" U32,
    NEED_CONN_EST "need_conn_est" "MGP" U32,
    UWEIGHT "uweight" "MaP" U32,
    AGG_SERVER_STATUS "agg_server_status" "MGP" U32,
    AGG_SERVER_CHECK_STATUS "agg_server_check_status" "MGP" U32,
    AGG_CHECK_STATUS "agg_check_status" "MGP" U32,
    SSL_SESS "ssl_sess" "MCP" U64,
    SSL_REUSED_SESS "ssl_reused_sess" "MCP" U64,
    SSL_FAILED_HANDSHAKE "ssl_failed_handshake" "MCP" U64,
    H2_HEADERS_RCVD "h2_headers_rcvd" "MCP" U64,
    H2_DATA_RCVD "h2_data_rcvd" "MCP" U64,
    H2_SETTINGS_RCVD "h2_settings_rcvd" "MCP" U64,
    H2_RST_STREAM_RCVD "h2_rst_stream_rcvd" "MCP" U64,
    H2_GOAWAY_RCVD "h2_goaway_rcvd" "MCP" U64,
    H2_DETECTED_CONN_PROTOCOL_ERRORS "h2_detected_conn_protocol_errors" "MCP" U64,
    H2_DETECTED_STRM_PROTOCOL_ERRORS "h2_detected_strm_protocol_errors" "MCP" U64,
    H2_RST_STREAM_RESP "h2_rst_stream_resp" "MCP" U64,
    H2_GOAWAY_RESP "h2_goaway_resp" "MCP" U64,
    H2_OPEN_CONNECTIONS "h2_open_connections" "MGP" U64,
    H2_BACKEND_OPEN_STREAMS "h2_backend_open_streams" "MGP" U64,
    H2_TOTAL_CONNECTIONS "h2_total_connections" "MCP" U64,
    H2_BACKEND_TOTAL_STREAMS "h2_backend_total_streams" "MCP" U64,
    H1_OPEN_CONNECTIONS "h1_open_connections" "MGP" U64,
    H1_OPEN_STREAMS "h1_open_streams" "MGP" U64,
    H1_TOTAL_CONNECTIONS "h1_total_connections" "MCP" U64,
    H1_TOTAL_STREAMS "h1_total_streams" "MCP" U64,
    H1_BYTES_IN "h1_bytes_in" "MCP" U64,
    H1_BYTES_OUT "h1_bytes_out" "MCP" U64,
    H1_SPLICED_BYTES_IN "h1_spliced_bytes_in" "MCP" U64,
    H1_SPLICED_BYTES_OUT "h1_spliced_bytes_out" "MCP" U64,
}

import { describe, expect, test } from "vitest";
import { evaluate, type ExpressionSubject } from "../../../lab/adc/expression.ts";

const subject: ExpressionSubject = {
  method: "GET",
  url: "/OWA/prem/ewsprite.css?x=/rpc",
  host: "mail.example.com",
  header: (name) => (name.toLowerCase() === "authorization" ? "Basic QTpC" : null),
  cookie: (name) => (name === "owa" ? "1" : null),
  groups: ["External-OWA"],
};

describe("policy expression evaluator", () => {
  test.each([
    ['HTTP.REQ.URL.PATH.SET_TEXT_MODE(IGNORECASE).STARTSWITH("/owa")', true],
    ['HTTP.REQ.URL.PATH.STARTSWITH("/owa")', false],
    ['HTTP.REQ.URL.SET_TEXT_MODE(IGNORECASE).CONTAINS("/ews")', true],
    ['HTTP.REQ.URL.PATH.CONTAINS("/rpc")', false],
    ['HTTP.REQ.URL.CONTAINS("/rpc")', true],
    ['HTTP.REQ.URL.QUERY.EQ("x=/rpc")', true],
    ['HTTP.REQ.HOSTNAME.EQ("mail.example.com") && HTTP.REQ.URL.EQ("/")', false],
    ['HTTP.REQ.URL.EQ("/") || HTTP.REQ.METHOD.EQ(GET)', true],
    ['!HTTP.REQ.URL.EQ("/")', true],
    ['(HTTP.REQ.URL.EQ("/") || HTTP.REQ.IS_VALID).NOT', false],
    ['HTTP.REQ.HEADER("Authorization").EXISTS', true],
    ['HTTP.REQ.HEADER("Authorization")', "Basic QTpC"],
    ['AAA.USER.IS_MEMBER_OF("External-OWA")', true],
    ['HTTP.REQ.USER.IS_MEMBER_OF("Nobody")', false],
    [
      '"https://" + HTTP.REQ.HOSTNAME + HTTP.REQ.URL.HTTP_URL_SAFE',
      "https://mail.example.com/OWA/prem/ewsprite.css?x=/rpc",
    ],
    ["true", true],
    ["ns_true", true],
    ["CLIENT.IP.SRC.IN_SUBNET(10.0.0.0/8)", null],
    ['CLIENT.IP.SRC.IN_SUBNET(10.0.0.0/8) && HTTP.REQ.URL.EQ("/")', false],
    ["HTTP.REQ.URL.CONTAINS(", null],
    ["REQ.HTTP.URL == /owa*", null],
  ])("evaluates %s as expected", (expression, expected) => {
    expect(evaluate(expression, subject)).toBe(expected);
  });
});

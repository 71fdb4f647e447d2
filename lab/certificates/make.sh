#!/bin/sh
# Makes every certificate of the lab anew, beside this script. Needs OpenSSL 3 (Debian package: openssl).
set -eu
cd "$(dirname "$0")"

names="DNS:mail.example.com,DNS:autodiscover.example.com,DNS:webmail.example.com,DNS:aaa.example.com"
for domain in lab.example.com example.com; do
  for server in ex01 ex02 ex03 ex04 ex05 ex06 ex07 ex08 ex09 edge01 edge02; do
    names="$names,DNS:$server.$domain"
  done
done

key() { openssl ecparam -name prime256v1 -genkey -noout | openssl pkcs8 -topk8 -nocrypt -out "$1.key.pem"; }

# sign NAME SUBJECT SAN NOT_BEFORE NOT_AFTER [DIGEST [SIGNER]]: a certificate for NAME.key.pem; SIGNER is `ca` or NAME itself.
sign() {
  work=$(mktemp -d)
  mkdir "$work/new" && : > "$work/index" && openssl rand -hex 12 > "$work/serial"
  if [ "${7:-ca}" = "$1" ]; then signer="-selfsign -keyfile $1.key.pem"; else signer="-keyfile ca.key.pem -cert ca.pem"; fi
  cat > "$work/ca.cnf" <<CNF
[ca]
default_ca = lab
[lab]
database = $work/index
serial = $work/serial
new_certs_dir = $work/new
policy = any
unique_subject = no
[any]
organizationName = optional
commonName = supplied
[ca_extensions]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[leaf_extensions]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature,keyEncipherment
extendedKeyUsage = serverAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = ${3:-DNS:unused}
CNF
  if [ "$1" = ca ]; then extensions=ca_extensions; else extensions=leaf_extensions; fi
  openssl req -new -config /dev/null -key "$1.key.pem" -subj "$2" -out "$work/csr.pem"
  # shellcheck disable=SC2086 # $signer is several words
  openssl ca -batch -notext -config "$work/ca.cnf" -extensions $extensions -md "${6:-sha256}" $signer \
    -startdate "$4" -enddate "$5" -in "$work/csr.pem" -out "$1.pem" 2> "$work/log" || { cat "$work/log" >&2; exit 1; }
  rm -r "$work"
}

from=20240101000000Z
to=21231231235959Z

key ca && sign ca "/O=adc-witness lab/CN=adc-witness lab CA" "" "$from" "$to" sha256 ca

key mail && sign mail "/O=adc-witness lab/CN=mail.example.com" "$names" "$from" "$to"
key other && sign other "/O=adc-witness lab/CN=mail.example.com" "$names" "$from" "$to"
key adc && sign adc "/O=adc-witness lab/CN=ns1.example.com" \
  "DNS:ns1.example.com,DNS:ns2.example.com,DNS:ns.example.com,DNS:localhost,IP:127.0.0.1,IP:::1" "$from" "$to"
key expired && sign expired "/O=adc-witness lab/CN=mail.example.com" "$names" 20200101000000Z 20210101000000Z
key not_yet_valid && sign not_yet_valid "/O=adc-witness lab/CN=mail.example.com" "$names" 21000101000000Z "$to"
key wrong_name && sign wrong_name "/O=adc-witness lab/CN=www.example.net" "DNS:www.example.net" "$from" "$to"
key sha384 && sign sha384 "/O=adc-witness lab/CN=mail.example.com" "$names" "$from" "$to" sha384
key sha512 && sign sha512 "/O=adc-witness lab/CN=mail.example.com" "$names" "$from" "$to" sha512

openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out rsa.key.pem 2> /dev/null
sign rsa "/O=adc-witness lab/CN=mail.example.com" "$names" "$from" "$to"
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1024 -out weak_rsa.key.pem 2> /dev/null
sign weak_rsa "/O=adc-witness lab/CN=mail.example.com" "$names" "$from" "$to"

key self_signed
sign self_signed "/CN=ex01.lab.example.com" "DNS:ex01.lab.example.com,DNS:ex01" "$from" "$to" sha256 self_signed

# As an appliance leaves the factory: its own signature, a common name that is no host's, no alternative names.
key factory
openssl req -x509 -new -key factory.key.pem -subj "/CN=default ABCDEF" -days 36500 -out factory.pem

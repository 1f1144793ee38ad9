'use strict';const root=document.documentElement.classList;root.add('js');
// nothing is laid out before all of it is there; should anything fail, the page is the whole derivation
addEventListener('DOMContentLoaded',()=>{try{root.add('ready');main()}catch(e){root.remove('js');throw e}});
const main=()=>{
const D=document,$=i=>D.getElementById(i),all=s=>[...D.querySelectorAll(s)];
const all_steps=all('#steps li'),pick=$('pick'),slide=$('slide'),box=$('steps').dataset;
const fig=$('fig'),svg=fig.firstElementChild,wide=svg.viewBox.baseVal.width;
const narrow=matchMedia('(max-width:52rem)');
let part=pick?pick.value:'',suf='',L=[],k=0,given={};
const base=q=>q.replace(/-[su]\d+/g,'');
const at=q=>$(q+suf)||$(q);
//: lives
const reads=li=>li.dataset.r?li.dataset.r.split(' '):[];
//: names
const links=(li,title,qs)=>{if(!qs.length)return;const p=D.createElement('p');p.className='links';p.append(title+': ');
for(const q of qs.slice(0,24)){const v=$(q),e=D.createElement(v?'a':'span');e.append(math(q));if(v){e.href='#'+q;e.title=name(q)}if(v&&v.dataset.s&&!li.dataset.s)e.append(' ('+v.dataset.s+')');p.append(e,' ')}
if(qs.length>24)p.append('…');li.append(p)};
//: paths
const dress=li=>{if(li.dataset.done)return;li.dataset.done=1;
links(li,box.of,reads(li));links(li,box.by,all_steps.filter(o=>reads(o).includes(li.id)&&(!o.dataset.s||!li.dataset.s||o.dataset.s==li.dataset.s)).map(o=>o.id));
//: way back
const light=(q,c)=>lives(q).forEach(e=>e&&e.classList.add(...c));
const show=(i,how)=>{k=Math.max(0,Math.min(L.length-1,i));const li=L[k];
all('.cur,.has,.on,.now,.path,.hot').forEach(e=>e.classList.remove('cur','has','on','now','path','hot'));
dress(li);li.classList.add('cur');const sec=li.closest('section');sec.classList.add('has');
reads(li).forEach(q=>light(q,['on']));light(li.id,['on','now']);
//: way
const hot=new Set([li.id,...reads(li)].map(base));
all('svg [data-q]').forEach(t=>{const s=at(t.dataset.q),n=s?L.indexOf(s):-1;t.classList.toggle('later',n>k);t.classList.toggle('hot',hot.has(t.dataset.q))});
all('#stages button').forEach(b=>b.toggleAttribute('aria-current',sec.classList.contains(b.dataset.go)));
slide.max=L.length-1;slide.value=k;slide.setAttribute('aria-valuetext',sec.querySelector('h2').textContent+', '+li.querySelector('h3').textContent);
$('count').textContent=k+1+' / '+L.length;
//: scroll
const f=li.querySelector('.m');if(f.scrollWidth>f.clientWidth)f.tabIndex=0;
//: now
if(how)history[how+'State'](null,'','#'+li.id);
if(narrow.matches&&location.hash&&scrollY<fig.offsetTop+50)scrollTo(0,fig.offsetTop)};
const choose=p=>{part=p;if(pick){pick.value=p;const o=pick.selectedOptions[0];suf=o.dataset.x;given=Object.fromEntries(o.dataset.g.split(' ').map(s=>s.split('=')));
all('svg [data-q]').forEach(t=>{const s=at(t.dataset.q),v=s?s.dataset.v:given[t.dataset.q];if(v)t.textContent=(t.dataset.p||'')+v})}
L=all_steps.filter(li=>!li.dataset.s||li.dataset.s==part)};
const open=()=>{const li=$(location.hash.slice(1)||'fig');if(!all_steps.includes(li))return show(0);
if(li.dataset.s&&li.dataset.s!=part)choose(li.dataset.s);show(L.indexOf(li))};
const go=(i,e)=>show(i,e&&e.repeat?'replace':'push');
$('prev').onclick=()=>go(k-1);$('next').onclick=()=>go(k+1);slide.oninput=()=>show(+slide.value,'replace');
all('#stages button').forEach(b=>b.onclick=()=>go(L.findIndex(li=>li.closest('section').classList.contains(b.dataset.go))));
if(pick)pick.onchange=()=>{const q=base(L[k].id);choose(pick.value);go(Math.max(0,L.indexOf(at(q))))};
addEventListener('keydown',e=>{const n={ArrowRight:k+1,ArrowLeft:k-1,ArrowDown:k+1,ArrowUp:k-1,Home:0,End:L.length-1}[e.key];
if(n===undefined||e.altKey||e.ctrlKey||e.metaKey||e.target.id=='pick'||/t$/.test(e.key)&&e.target.matches('.m,#fig'))return;e.preventDefault();go(n,e)});
const bad=i=>L[i]&&/wrong|open/.test(L[i].dataset.m),wrong=$('wrong');
if(wrong)wrong.onclick=()=>{for(let n=1;n<=L.length;n++)if(bad((k+n)%L.length))return go((k+n)%L.length)};
all('[data-m=wrong]').forEach(li=>light(li.id,['bad']));
addEventListener('popstate',open);
D.onclick=e=>{const a=e.target.closest('a');if(a){e.preventDefault();history.pushState(null,'',a.getAttribute('href'));open()}};
//: click
let x=null;const r=$('right');r.addEventListener('touchstart',e=>{x=e.target.closest('.m,nav')?null:e.touches[0].clientX},{passive:true});
r.addEventListener('touchend',e=>{if(x===null)return;const d=e.changedTouches[0].clientX-x;if(Math.abs(d)>60)go(k+(d<0?1:-1))});
//: fit
choose(part);history.scrollRestoration='manual';scrollTo(0,0);open()};
